/*
 * child.h
 *		Runs that a step of another run has started.
 */
#ifndef ETL_FLOW_CHILD_H
#define ETL_FLOW_CHILD_H

#include "postgres.h"

#include "base/spi.h"
#include "flow/step.h"

/* How many runs deep one may start another. */
#define ETL_CHILD_MAX_DEPTH 32

typedef struct EtlChild
{
	int64 run_id;
	char *run_name;
	TimestampTz queued_at;
} EtlChild;

/*
 * In a transactional adapter: queue a run as the step's role, whose right to that is looked at as at any INSERT INTO
 * etl.run. run_name NULL: one made of the step's. With `waits` the step is told of its end; the adapter answers the
 * run in EtlStepResult.child_run_id.
 */
extern EtlChild child_start(const EtlStep *step, const char *workflow, const char *run_name, Jsonb *input,
							bool waits);

/*
 * Inside an ETL_SPI_OWNER scope: what has become of the run the step waits for, in the caller's context. False: it
 * goes on. On failure the result is empty.
 */
extern bool child_outcome(EtlSpiScope *spi, const EtlClaim *claim, int64 run_id, EtlStepStatus *status,
						  EtlStepResult *result, EtlStepFailure *failure);

#endif
