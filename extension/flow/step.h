/*
 * step.h
 *		One attempt of a step, from the claim to its record.
 *
 * A transactional step is claimed, run and recorded in one transaction; the statement runs in a subtransaction, so
 * that its failure is recorded by the same commit. An external step is claimed in one transaction, runs with none
 * open, and is recorded in another.
 */
#ifndef ETL_FLOW_STEP_H
#define ETL_FLOW_STEP_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "flow/adapter.h"
#include "flow/definition.h"

/* A claimed step: what the adapter is told, and what the engine needs to know besides. */
typedef struct EtlClaim
{
	EtlStep step;
	const EtlDefinition *definition; /* NULL for a notification */
	const EtlTaskDefinition *task;	 /* likewise */
	const EtlAdapter *adapter; /* NULL: nothing serves its resource */
	Oid owner;
	bool run_started;	  /* by an earlier step */
	bool run_ended;		  /* the run was cancelled, or timed out, meanwhile */
	bool run_has_timeout;
	bool is_notification; /* not one of the workflow's own steps */
	bool started;		  /* that is recorded already */
	bool suspended;		  /* it has done its part before */
	int64 version_id; /* the definition's */
	bool has_items;		  /* from before etl.retry_run: its for_each is answered */
	int retries;
	int first_attempt; /* since which its failures count: the first, or the first since etl.retry_run */
	EtlBackoff backoff;
	double timeout; /* seconds; 0: none */
	TimestampTz started_at; /* now, or, for a step that is found interrupted, as recorded */
} EtlClaim;

typedef enum EtlStepStatus
{
	ETL_STEP_SUCCEEDED,
	ETL_STEP_FAILED,
	ETL_STEP_TIMED_OUT,
	ETL_STEP_CANCELLED,
	ETL_STEP_SKIPPED,	  /* its condition is false */
	ETL_STEP_STOPPED,	  /* its process was ended by no fault of its own: repeated, not counted */
	ETL_STEP_CRASHED	  /* its process died: repeated until ETL_STEP_MAX_CRASHES */
} EtlStepStatus;

typedef struct EtlStepFailure
{
	int sqlstate;
	const char *message;
	const char *detail; /* these may be NULL */
	const char *hint;
	const char *context;
} EtlStepFailure;

/* How often a step may take its process with it before it is failed for that. */
#define ETL_STEP_MAX_CRASHES 3

/*
 * Lock this step, if it is in the queue's tables and nobody's, and read what it is into the current context. NULL:
 * somebody else's, or not to be run any more. In a transaction.
 */
extern EtlClaim *step_claim(int64 run_id, int64 task_run_id);
/* Whether it is yet to be run, as the tables have it. */
extern bool step_is_queued(int64 run_id, int64 task_run_id);
/* The same, no executor but this one is at it, and only somebody's lock keeps it from being claimed. */
extern bool step_is_left(int64 run_id, int64 task_run_id);
/* The same for one that is recorded as running: its process is gone. */
extern EtlClaim *step_claim_abandoned(int64 run_id, int64 task_run_id);
/* The same for one that waits for a token or another run. */
extern EtlClaim *step_claim_suspended(int64 run_id, int64 task_run_id);
/*
 * The step waits, by its wait_until: the scheduler queues it again after the poll interval. No attempt is spent.
 * False: its run has ended.
 */
extern bool step_record_wait(const EtlClaim *claim);
/*
 * Whether a step's start is a commit before it: of an external step, so that it is found when its process is gone, and
 * of one with a token, so that it is known before anybody uses it.
 */
extern bool step_starts_apart(const EtlClaim *claim);
/* It starts, with its token if it has one, and that is committed before it does. False: its run has ended. */
extern bool step_record_start(EtlClaim *claim);
/*
 * The step has done its part, and the rest is somebody else's (suspend.h). Inside an ETL_SPI_OWNER scope. False: its run
 * has ended.
 */
extern bool step_record_part(const EtlClaim *claim);
/*
 * The outcome, and what follows from it. False: the run has ended meanwhile; what was written is to be rolled back,
 * or overwritten with the only outcome that is left, ETL_STEP_CANCELLED (for which the answer is true).
 */
extern bool step_record(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
						const EtlStepFailure *failure);

/*
 * As above, with that only outcome if need be, whose reason is the run's, and a failure in the server's log. In a transaction.
 */
extern void step_record_outcome(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
								const EtlStepFailure *failure);

/* Whether it is the remote executor's, its task's questions being answered. */
static inline bool
step_is_remote(const EtlClaim *claim)
{
	return claim->adapter != NULL && claim->adapter->start != NULL;
}

/*
 * A claim that is held for long: copy what its adapter is told into the current context, and do without the definition,
 * which the process may forget. Before the outcome is recorded, in the same transaction, it is found again.
 */
extern void step_keep(EtlClaim *claim);
extern void step_find_definition(EtlClaim *claim);

/* What became of a step, in words. The first refers to the error's. */
extern EtlStepFailure step_failure(const ErrorData *error);
extern EtlStepFailure step_failure_of_nothing(const EtlClaim *claim);
extern EtlStepFailure step_failure_of_cancellation(const EtlClaim *claim);
extern EtlStepFailure step_failure_of_timeout(const EtlClaim *claim);

/* In an executor, once: whether its role's statements may only read. */
extern void step_set_read_only(bool read_only);
/* In an executor: run the step that it has taken to its record. */
extern void step_run(int64 run_id, int64 task_run_id);

#endif
