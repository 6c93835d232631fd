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

/* A claimed step: what the adapter is told, and what the engine needs to know besides. */
typedef struct EtlClaim
{
	EtlStep step;
	const EtlAdapter *adapter; /* NULL: nothing serves its resource */
	Oid owner;
	bool run_ended;		  /* the run was cancelled meanwhile */
	bool is_notification; /* not one of the workflow's own steps */
	int retries;
	double retry_delay; /* seconds */
	double retry_backoff;
	double timeout; /* seconds; 0: none */
	TimestampTz started_at; /* now, or, for a step that is found interrupted, as recorded */
} EtlClaim;

typedef enum EtlStepStatus
{
	ETL_STEP_SUCCEEDED,
	ETL_STEP_FAILED,
	ETL_STEP_TIMED_OUT,
	ETL_STEP_CANCELLED,
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

/* Lock the oldest step of `owner` that is ready and nobody's. In a transaction. */
extern bool step_claim(Oid owner, int64 *task_run_id, int64 *run_id);
/* Lock this step, if it is ready and nobody's. In a transaction. */
extern bool step_reclaim(int64 task_run_id);
/* Read what it is, into the current context. NULL: it is gone. */
extern EtlClaim *step_load(int64 task_run_id);
/* An external step: it starts, and that is committed before it does. */
extern void step_record_start(const EtlClaim *claim);
/* The outcome, what follows from it, and that the step is no longer in the queue. */
extern void step_record(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
						const EtlStepFailure *failure);

/* Nothing is known of the step any more: take it out of the queue. */
extern void step_forget(int64 task_run_id);

/* In an executor, once: whether its role's statements may only read. */
extern void step_set_read_only(bool read_only);
/* In an executor: run the oldest ready step of its owner to its record. False: there was none. */
extern bool step_run_next(Oid owner);

#endif
