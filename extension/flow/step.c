/*
 * step.c
 *		Running one step. See step.h.
 *
 * What an attempt's error means is decided in one place, classify(): a cancelled run beats a timeout, a timeout
 * beats the error it caused.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "catalog/namespace.h"
#include "flow/for_each.h"
#include "flow/role.h"
#include "flow/run.h"
#include "flow/shared.h"
#include "flow/slot.h"
#include "flow/step.h"
#include "flow/suspend.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

static TimeoutId step_timeout;
static TimeoutId step_eviction;
static bool step_timeout_registered = false;
static volatile sig_atomic_t step_timed_out = false;
static bool steps_read_only = false;
static const EtlStepFailure run_was_cancelled = {.sqlstate = ERRCODE_QUERY_CANCELED, .message = "run was cancelled"};
static const EtlStepFailure task_failed = {.sqlstate = ERRCODE_QUERY_CANCELED, .message = "too many items of the task failed"};
static const EtlStepFailure run_timed_out = {.sqlstate = ERRCODE_QUERY_CANCELED, .message = "run timed out"};

static void
at_timeout(void)
{
	step_timed_out = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

/*
 * A cancel request (of the run, by pg_cancel_backend, by the timeout) is for the step's own work, between these two.
 * Everywhere else it is held off: the bookkeeping is not to be cut short by one that comes too late.
 */
static void
start_cancellable(const EtlClaim *claim)
{
	if (!step_timeout_registered)
	{
		step_timeout = RegisterTimeout(USER_TIMEOUT, at_timeout);
		step_eviction = RegisterTimeout(USER_TIMEOUT, slot_step_evict);
		step_timeout_registered = true;
	}
	step_timed_out = false;
	if (claim->timeout > 0)
	{
		/* Not by a delay, which is at most 24 days. */
		TimestampTz end = GetCurrentTimestamp() + (TimestampTz) (claim->timeout * USECS_PER_SEC);

		enable_timeout_at(step_timeout, end);
		enable_timeout_at(step_eviction, TimestampTzPlusMilliseconds(end, ETL_CANCEL_GRACE_MS));
	}
	RESUME_CANCEL_INTERRUPTS();
}

static void
stop_cancellable(void)
{
	HOLD_CANCEL_INTERRUPTS();
	disable_timeout(step_timeout, false);
	disable_timeout(step_eviction, false);
	QueryCancelPending = false;
}

void
step_set_read_only(bool read_only)
{
	steps_read_only = read_only;
}

EtlStepFailure
step_failure(const ErrorData *error)
{
	return (EtlStepFailure){.sqlstate = error->sqlerrcode,
							.message = error->message ? error->message : "missing error text",
							.detail = error->detail,
							.hint = error->hint,
							.context = error->context};
}

EtlStepFailure
step_failure_of_timeout(const EtlClaim *claim)
{
	return (EtlStepFailure){
		.sqlstate = ERRCODE_QUERY_CANCELED,
		.message =
			psprintf("task \"%s\" was cancelled: it ran longer than its timeout of %g s", claim->step.task, claim->timeout),
		.hint = "Raise etl.task.timeout, or make the step smaller."};
}

/* The error being handled, as this step's outcome. Call in the step's context, with the error flushed. */
static EtlStepStatus
classify(const EtlClaim *claim, const ErrorData *error, EtlStepFailure *failure)
{
	*failure = step_failure(error);
	if (slot_step_is_cancelled())
		return ETL_STEP_CANCELLED; /* the reason is its run's */
	if (step_timed_out)
	{
		*failure = step_failure_of_timeout(claim);
		failure->context = error->context;
		return ETL_STEP_TIMED_OUT;
	}
	return ETL_STEP_FAILED;
}

EtlStepFailure
step_failure_of_nothing(const EtlClaim *claim)
{
	return (EtlStepFailure){
		.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
		.message = psprintf("nothing serves resource \"%s\"",
							claim->step.resource ? claim->step.resource : "a statement"),
		.hint = "Is shared_preload_libraries' pg_etl older than the extension in this database?"};
}

/* Deferred constraints and triggers are the statement's own: they fire, and fail, within it. */
static void
fire_deferred(void)
{
	ConstraintsSetStmt *immediate = makeNode(ConstraintsSetStmt);

	AfterTriggerSetState(immediate);
}

typedef void (*StepWork)(const EtlClaim *claim, void *arg);

/*
 * In the step's transaction: do `work` as the step's role, then `bookkeeping` (NULL: none), in a subtransaction, so
 * that whatever fails, the record included, leaves nothing. What the work sets (SET, SET ROLE) ends before the
 * bookkeeping.
 */
static EtlStepStatus
run_in_subtransaction(const EtlClaim *claim, StepWork work, StepWork bookkeeping, void *arg, bool read_only,
					  EtlStepFailure *failure)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile EtlStepStatus status = ETL_STEP_SUCCEEDED;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		int guc_nest_level = NewGUCNestLevel();

		start_cancellable(claim);
		XactReadOnly = read_only;
		PushActiveSnapshot(GetTransactionSnapshot());
		work(claim, arg);
		PopActiveSnapshot();
		fire_deferred();
		CHECK_FOR_INTERRUPTS();
		stop_cancellable();
		AtEOXact_GUC(false, guc_nest_level);
		XactReadOnly = false; /* the work was, by SET TRANSACTION or by default; its record is not */
		if (bookkeeping != NULL)
			bookkeeping(claim, arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		stop_cancellable();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		status = classify(claim, error, failure);
	}
	PG_END_TRY();
	XactReadOnly = false; /* SET TRANSACTION's old value has just come back */
	return status;
}

static void
run_adapter(const EtlClaim *claim, void *result)
{
	claim->adapter->run(&claim->step, result);
}

/* What the step has done is all of it, or its part. False: the run has ended. */
static bool
record_done(const EtlClaim *claim, const EtlStepResult *result)
{
	if (claim->step.task_token != NULL || result->child_run_id != 0)
		return suspend_step(claim, result);
	return step_record(claim, ETL_STEP_SUCCEEDED, result, NULL);
}

/* A run that was cancelled while its statement ended: what it did is rolled back all the same. */
static void
record_success(const EtlClaim *claim, void *result)
{
	if (!record_done(claim, result))
		ereport(ERROR, errcode(ERRCODE_QUERY_CANCELED), errmsg("run was cancelled"));
}

static void
log_failure(const EtlClaim *claim, const EtlStepFailure *failure)
{
	if (failure == NULL)
		return;
	ereport(LOG, errcode(failure->sqlstate),
			errmsg("run " INT64_FORMAT " of workflow \"%s\": task \"%s\", attempt %d: %s", claim->step.run_id,
				   claim->step.workflow, claim->step.task, claim->step.attempt, failure->message),
			failure->detail ? errdetail_log("%s", failure->detail) : 0, errhidestmt(true));
}

/* What ended the run, or of an item the task, that took this step along. */
static const EtlStepFailure *
why_cancelled(const EtlClaim *claim)
{
	const EtlStepFailure *reason = claim->step.item > 0 ? &task_failed : &run_was_cancelled;
	EtlSpiScope spi;
	char *status;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	status = run_status(claim->step.run_id);
	if (status != NULL && strcmp(status, "timed_out") == 0)
		reason = &run_timed_out;
	else if (status != NULL && strcmp(status, "cancelled") == 0)
		reason = &run_was_cancelled;
	etl_spi_close(&spi);
	return reason;
}

EtlStepFailure
step_failure_of_cancellation(const EtlClaim *claim)
{
	return *why_cancelled(claim);
}

static void
record_cancelled(const EtlClaim *claim)
{
	const EtlStepFailure *failure = why_cancelled(claim);

	step_record(claim, ETL_STEP_CANCELLED, NULL, failure);
	log_failure(claim, failure);
}

void
step_record_outcome(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
					const EtlStepFailure *failure)
{
	if (status == ETL_STEP_CANCELLED ||
		(status == ETL_STEP_SUCCEEDED ? !record_done(claim, result) : !step_record(claim, status, NULL, failure)))
	{
		record_cancelled(claim);
		return;
	}
	log_failure(claim, status == ETL_STEP_SUCCEEDED ? NULL : failure);
}

/* What a statement can leave behind in the session that its owner's next one must not find; in its transaction. */
static void
forget_session_state(void)
{
	Async_UnlistenAll();
	DropAllPreparedStatements();
	PortalHashTableDeleteAll();
	ResetSequenceCaches();
	ResetTempTableNamespace();
}

/*
 * A commit can still fail (a serialization failure, a full disk): the attempt then left nothing, and is recorded as
 * failed by a transaction of its own. That claims the step anew: another executor may be at it by now, and the
 * outcome then is that one's. An external step that has run is not in the queue: it counts as interrupted.
 */
static void
record_failed_commit(int64 run_id, int64 task_run_id, const ErrorData *error)
{
	EtlClaim *claim;

	StartTransactionCommand();
	claim = step_claim(run_id, task_run_id);
	if (claim == NULL)
	{
		claim = step_claim_abandoned(run_id, task_run_id);
		if (claim != NULL && step_is_remote(claim))
			claim = NULL;
	}
	if (claim != NULL)
	{
		EtlStepFailure failure;

		step_record_outcome(claim, classify(claim, error, &failure), NULL, &failure);
	}
	else
		ereport(LOG, errcode(error->sqlerrcode),
				errmsg("the outcome of step " INT64_FORMAT " could not be recorded: %s", task_run_id, error->message),
				errhidestmt(true));
	forget_session_state();
	CommitTransactionCommand();
}

/* SQL of the task's author that says whether something is so. It looks, and can't change anything. */
typedef struct Question
{
	const char *condition;
	bool answer;
} Question;

static void
ask(const EtlClaim *claim, void *arg)
{
	Question *question = arg;

	question->answer = flow_condition_test()(&claim->step, question->condition);
}

/* False: it raised an error, and the step is recorded as failed by it. */
static bool
answer(const EtlClaim *claim, Question *question)
{
	EtlStepFailure failure = {0};
	EtlStepStatus status = run_in_subtransaction(claim, ask, NULL, question, true, &failure);

	if (status != ETL_STEP_SUCCEEDED)
		step_record_outcome(claim, status, NULL, &failure);
	return status == ETL_STEP_SUCCEEDED;
}

/* Whether the step runs now: an item does, its task was asked. If not, it is recorded as waiting, skipped, or failed by one of its questions. */
static bool
runs_now(const EtlClaim *claim)
{
	Question wait = {claim->task ? claim->task->wait_until : NULL, true};
	Question condition = {claim->task ? claim->task->condition : NULL, true};

	if (claim->step.item > 0)
		return true;
	if (wait.condition != NULL && !answer(claim, &wait))
		return false;
	if (!wait.answer)
	{
		if (!step_record_wait(claim))
			record_cancelled(claim);
		return false;
	}
	if (condition.condition != NULL && !answer(claim, &condition))
		return false;
	if (!condition.answer)
		step_record_outcome(claim, ETL_STEP_SKIPPED, NULL, NULL);
	return condition.answer;
}

/* Its questions are answered: the rest is the remote executor's. Nothing of that is recorded; a crash has them asked again. */
static void
hand_over(const EtlClaim *claim)
{
	EtlQueued queued = {.run_id = claim->step.run_id,
						.task_run_id = claim->step.task_run_id,
						.priority = claim->task ? claim->task->priority : 0,
						.remote = true,
						.pool = claim->task ? claim->task->pool : NULL};

	wake_for_step(claim->owner, &queued);
}

static void
run_transactional(const EtlClaim *claim, EtlStepResult *result, EtlStepFailure *failure)
{
	EtlStepStatus status =
		run_in_subtransaction(claim, run_adapter, record_success, result, steps_read_only, failure);

	if (status != ETL_STEP_SUCCEEDED)
		step_record_outcome(claim, status, result, failure);
}

static void
query_items(const EtlClaim *claim, void *list)
{
	if (!claim->has_items)
		*(EtlItemList **) list = for_each_query(claim);
}

static void
start_items(const EtlClaim *claim, void *list)
{
	EtlSpiScope spi;
	bool goes_on;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	goes_on = for_each_start(claim, *(EtlItemList **) list);
	etl_spi_close(&spi);
	if (!goes_on)
		ereport(ERROR, errcode(ERRCODE_QUERY_CANCELED), errmsg("run was cancelled"));
}

/* The step is a task that runs once for each row of a query: it makes its items, and ends with the last of them. */
static void
run_for_each(const EtlClaim *claim)
{
	EtlItemList *list = NULL;
	EtlStepFailure failure = {0};
	EtlStepStatus status = run_in_subtransaction(claim, query_items, start_items, &list, true, &failure);

	if (status != ETL_STEP_SUCCEEDED)
		step_record_outcome(claim, status, NULL, &failure);
}

static void
run_claimed(EtlClaim *claim)
{
	EtlStepResult result = {.rows = -1};
	EtlStepFailure failure = {0};
	EtlRoleProblem problem;

	if (claim->run_ended)
	{
		record_cancelled(claim);
	}
	else if (role_has_problem(claim->owner, &problem))
	{
		failure = role_failure(claim, &problem);
		claim->retries = 0;
		step_record_outcome(claim, ETL_STEP_FAILED, NULL, &failure);
	}
	else if (claim->adapter == NULL)
	{
		failure = step_failure_of_nothing(claim);
		step_record_outcome(claim, ETL_STEP_FAILED, NULL, &failure);
	}
	else if (!runs_now(claim))
		return;
	else if (claim->task != NULL && claim->task->for_each != NULL && claim->step.item == 0)
		run_for_each(claim);
	else if (step_is_remote(claim))
		hand_over(claim);
	else if (!step_starts_apart(claim))
		run_transactional(claim, &result, &failure);
	else
	{
		MemoryContext context = CurrentMemoryContext;

		if (!step_record_start(claim))
		{
			record_cancelled(claim);
			return;
		}
		/* On disk before somebody outside hears of it, and what it did before anything follows from it. */
		ForceSyncCommit();
		CommitTransactionCommand();
		StartTransactionCommand();
		MemoryContextSwitchTo(context);
		run_transactional(claim, &result, &failure);
		ForceSyncCommit();
	}
}

/*
 * A run that has a timeout starts with a commit of its own: the scheduler is to see that it goes on while its first step does,
 * which may be recorded only as it ends.
 */
static EtlClaim *
claim_and_start(int64 run_id, int64 task_run_id)
{
	MemoryContext context = CurrentMemoryContext;
	EtlClaim *claim = step_claim(run_id, task_run_id);
	EtlHistory history;
	EtlSpiScope spi;

	if (claim == NULL || !claim->run_has_timeout || claim->run_started || claim->run_ended)
		return claim;
	history = (EtlHistory){.run_id = run_id};
	etl_spi_open(&spi, ETL_SPI_OWNER);
	run_start(run_id, claim->started_at, &history);
	history_write(&history);
	etl_spi_close(&spi);
	CommitTransactionCommand();
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	return step_claim(run_id, task_run_id);
}

/* A step that an executor was at while the queue was read anew. */
typedef struct PassedOver
{
	int64 run_id;
	int64 task_run_id;
} PassedOver;

/* If it was left as it was, is to be tried again, or was handed on, the queue may have lost it. */
static void
look_after(void *arg)
{
	const PassedOver *step = arg;

	StartTransactionCommand();
	if (step_is_queued(step->run_id, step->task_run_id))
		shared_queue_overflowed(MyDatabaseId);
	CommitTransactionCommand();
}

void
step_run(int64 run_id, int64 task_run_id)
{
	PassedOver step = {run_id, task_run_id};
	volatile bool passed_over = false;
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "pg_etl step", ALLOCSET_DEFAULT_SIZES);

	HOLD_CANCEL_INTERRUPTS();
	PG_TRY();
	{
		EtlClaim *claim;

		SetCurrentStatementStartTimestamp(); /* for the step's now() */
		StartTransactionCommand();
		MemoryContextSwitchTo(context);
		claim = claim_and_start(run_id, task_run_id);
		if (claim != NULL)
		{
			slot_step_show(&claim->step);
			run_claimed(claim);
			forget_session_state();
		}
		else if (step_is_left(run_id, task_run_id))
			shared_queue_overflowed(MyDatabaseId); /* somebody has locked it: it is to be tried again in a while */
		CommitTransactionCommand();
		passed_over = slot_step_end();
	}
	PG_CATCH();
	{
		ErrorData *error;

		HOLD_CANCEL_INTERRUPTS(); /* raising the error has ended what was held */
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		record_failed_commit(run_id, task_run_id, error);
		passed_over = slot_step_end();
		shared_executor_left(MyDatabaseId); /* if that was no record, the scheduler finds the step abandoned */
	}
	PG_END_TRY();
	/* Not before the commit: whoever waits for such a lock is to see what the step did. */
	LockReleaseSession(USER_LOCKMETHOD);
	if (passed_over && etl_transaction_guard(look_after, &step) != 0)
		shared_queue_overflowed(MyDatabaseId);
	RESUME_CANCEL_INTERRUPTS();
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(context);
	definition_trim();
}
