/*
 * remote_step.h
 *		One of the steps that a remote executor is at: its turns.
 *
 * A step has its turn when what it waits for is there, does what it can without waiting, and says what it waits for next.
 * No SQL of its author's runs here: what it needs of the catalogs is looked up in a short transaction with its owner's
 * rights, in a security-restricted operation. An error is the step's outcome and no other's business. Whose turn it is
 * stands in the journal, so that one that takes the process with it is found and doesn't do so for ever; the others are
 * repeated without counting.
 */
#ifndef ETL_FLOW_REMOTE_STEP_H
#define ETL_FLOW_REMOTE_STEP_H

#include "postgres.h"

#include "base/wait.h"
#include "flow/queue.h"
#include "flow/step.h"

typedef struct RemoteStep
{
	MemoryContext context; /* holds it, and all that follows */
	int index;			   /* in its process's list */
	int place;			   /* in shared memory */
	EtlQueued queued;
	EtlClaim *claim;
	void *job;			/* the adapter's; NULL: not started, or over */
	EtlWait wait;		/* for its next turn */
	bool ready;			/* the socket is */
	int64 timeout_ms;	/* of clock_monotonic_ms(), when it is to be stopped; -1: never */
	bool ended;			/* the outcome is known, and to be recorded */
	bool settled;		/* its claim or record is made */
	bool given_up;		/* its record can't be */
	int64 record_at_ms; /* not before */
	EtlStepStatus status;
	EtlStepResult result;
	EtlStepFailure failure; /* unless it succeeded */
} RemoteStep;

extern RemoteStep *remote_step_make(int place, const EtlQueued *queued);
/* Its place is free again, whatever it holds is closed. */
extern void remote_step_free(RemoteStep *step);

/* It is claimed, and recorded as running: its first turn. */
extern void remote_step_start(RemoteStep *step);
/*
 * Another, if there is a reason to have one: it is stopped, its time is over, or what it waits for is there. False: there was
 * none.
 */
extern bool remote_step_go_on(RemoteStep *step, int64 now_ms);
/* When it will have a reason by the clock alone; -1: never. */
extern int64 remote_step_due(const RemoteStep *step);
/* Let the other side know, without waiting for it, that nobody waits any more. */
extern void remote_step_abandon(RemoteStep *step);

/* Do `work`. An error, of which the transaction is rolled back, is answered in `context`; NULL: none. */
extern ErrorData *remote_step_attempt(void (*work)(void *arg), void *arg, MemoryContext context);

#endif
