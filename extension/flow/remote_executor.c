/*
 * remote_executor.c
 *		The remote executor's process: attach, loop, leave. See remote_executor.h.
 *
 * Claims and records are made for many steps in one transaction. If that fails, for whatever reason, it is rolled back and
 * each is done in a transaction of its own, so that one of them is not in the way of the others. Nothing here waits for
 * long for somebody's lock: a step that is locked, or whose run is, comes again in a while.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "flow/definition.h"
#include "flow/poll_set.h"
#include "flow/remote_executor.h"
#include "flow/remote_place.h"
#include "flow/remote_step.h"
#include "flow/role.h"
#include "flow/shared.h"
#include "flow/slot.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#define IDLE_TIMEOUT_MS 10000 /* without a step it leaves after this */
#define BATCH 50			  /* steps claimed, or recorded, in a transaction */
#define BATCH_LOCK_WAIT 100 /* ms */
#define STEP_LOCK_WAIT 1
#define LOCKED_PAUSE_MS 500
#define SOURCE_TAG PG_UINT64_MAX /* of the event source; of no place */
#define OWN_FILES 100 /* descriptors that its steps leave to the process */

PGDLLEXPORT void pg_etl_remote_main(Datum arg);

static RemoteStep **steps; /* those it is at */
static int step_count = 0;
static int capacity;
static EtlPollSet poll_set;
static bool source_ready = false;

/* By a step's place, for the poll set's tags: who is there, and the how manyth, since an event may come late. */
static RemoteStep **at_place;
static uint32 *births;

/* What goes on elsewhere is told so; it is not waited for. */
static void
abandon_all(int code, Datum arg)
{
	for (int i = 0; i < step_count; i++)
		remote_step_abandon(steps[i]);
	remote_place_free_all();
}

/* Whose step would be meant? etl.cancel_run says so. But PostgreSQL has the end of lock_timeout come this way, too. */
static void
at_cancel(SIGNAL_ARGS)
{
	if (get_timeout_indicator(LOCK_TIMEOUT, false))
		StatementCancelHandler(postgres_signal_arg);
}

static void
attach(int index)
{
	Oid dbid;
	Oid lane;

	if (!slot_take(index, &dbid, &lane))
		proc_exit(0);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGINT, at_cancel);
	pqsignal(SIGTERM, slot_at_stop);
	pqsignal(SIGQUIT, slot_at_crash_of_another);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(dbid, InvalidOid, 0);
	slot_set_connected();
	etl_transaction_set_defaults();
	etl_spi_lock_timeout = BATCH_LOCK_WAIT;
	/* What must be on disk says so: that steps start, and how they ended. */
	SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("application_name", "pg_etl remote executor", PGC_USERSET, PGC_S_SESSION);

	/* libpq's sockets are descriptors; those of a session leave two thirds to files, of which this process has few. */
	capacity = Max(Min(etl_max_remote_steps, max_safe_fds - OWN_FILES), 1);
	steps = MemoryContextAllocZero(TopMemoryContext, capacity * sizeof(RemoteStep *));
	at_place = MemoryContextAllocZero(TopMemoryContext, etl_max_remote_steps * sizeof(RemoteStep *));
	births = MemoryContextAllocZero(TopMemoryContext, etl_max_remote_steps * sizeof(uint32));
	poll_set_init(&poll_set);
	(void) flow_event_source()->descriptor(); /* before any job */
	before_shmem_exit(abandon_all, (Datum) 0);
}

/* ---- many steps in a transaction ---- */

typedef struct Batch
{
	RemoteStep **steps;
	int count;
	void (*work)(RemoteStep *step);
} Batch;

static void
do_batch(void *arg)
{
	const Batch *batch = arg;

	StartTransactionCommand();
	for (int i = 0; i < batch->count; i++)
		batch->work(batch->steps[i]);
	/* On disk before the other side hears of a start, and before anything follows from an end. */
	ForceSyncCommit();
	CommitTransactionCommand();
}

/*
 * Do it for all of them, or for each that it can be done for, which is then settled; `failed` is told of the others. A
 * lock was waited for then, and hardly is again for each of them, lest other steps' turns come late. All are tried: locked
 * ones come first time and again, and are not to keep the others out.
 */
static void
do_together(RemoteStep **list, int count, void (*work)(RemoteStep *step),
			void (*failed)(RemoteStep *step, const ErrorData *error))
{
	Batch batch = {.steps = list, .count = count, .work = work};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl error", ALLOCSET_SMALL_SIZES);
	bool together = count > 0 && remote_step_attempt(do_batch, &batch, context) == NULL;

	etl_spi_lock_timeout = STEP_LOCK_WAIT;
	for (int i = 0; i < count; i++)
	{
		Batch single = {.steps = &list[i], .count = 1, .work = work};
		ErrorData *error = NULL;

		if (!together)
		{
			MemoryContextReset(context);
			slot_turn_begin(&list[i]->queued, clock_now());
			error = remote_step_attempt(do_batch, &single, context);
			slot_turn_end();
		}
		list[i]->settled = error == NULL;
		if (error != NULL)
			failed(list[i], error);
	}
	etl_spi_lock_timeout = BATCH_LOCK_WAIT;
	MemoryContextDelete(context);
}

/* ---- claims ---- */

static void
refuse(const EtlClaim *claim, EtlStepFailure failure)
{
	step_record_outcome(claim, ETL_STEP_FAILED, NULL, &failure);
}

/* In the claim's transaction. What is not to run, or not here, is recorded or handed on by it. */
static void
claim_step(RemoteStep *step)
{
	MemoryContext caller = MemoryContextSwitchTo(step->context);
	EtlClaim *claim = step_claim(step->queued.run_id, step->queued.task_run_id);
	EtlRoleProblem problem;

	MemoryContextSwitchTo(caller);
	step->claim = NULL; /* a rolled back claim is none */
	if (claim == NULL)
	{
		/* Somebody has locked it: it is to be tried again in a while. */
		if (step_is_left(step->queued.run_id, step->queued.task_run_id))
			shared_queue_overflowed(MyDatabaseId);
	}
	else if (claim->run_ended)
		step_record_outcome(claim, ETL_STEP_CANCELLED, NULL, NULL);
	else if (claim->adapter == NULL)
		refuse(claim, step_failure_of_nothing(claim));
	else if (role_has_problem(claim->owner, &problem))
	{
		claim->retries = 0;
		refuse(claim, role_failure(claim, &problem));
	}
	else if (!step_is_remote(claim))
		wake_for_step(claim->owner, &(EtlQueued){.run_id = claim->step.run_id,
												 .task_run_id = claim->step.task_run_id,
												 .priority = step->queued.priority,
												 .pool = claim->task ? claim->task->pool : NULL});
	else if (!step_record_start(claim))
		step_record_outcome(claim, ETL_STEP_CANCELLED, NULL, NULL);
	else
	{
		MemoryContextSwitchTo(step->context);
		step_keep(claim);
		MemoryContextSwitchTo(caller);
		step->claim = claim;
	}
}

typedef struct FailedClaim
{
	const EtlQueued *queued;
	const ErrorData *error;
} FailedClaim;

static void
record_failed_claim(void *arg)
{
	const FailedClaim *failed = arg;
	EtlClaim *claim;

	StartTransactionCommand();
	claim = step_claim(failed->queued->run_id, failed->queued->task_run_id);
	if (claim != NULL)
		refuse(claim, step_failure(failed->error));
	CommitTransactionCommand();
}

static void
claim_failed(RemoteStep *step, const ErrorData *error)
{
	FailedClaim failed = {.queued = &step->queued, .error = error};

	step->claim = NULL;
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		etl_transaction_guard(record_failed_claim, &failed) == ERRCODE_LOCK_NOT_AVAILABLE)
		shared_queue_overflowed(MyDatabaseId);
}

static void
add_step(RemoteStep *step)
{
	remote_place_show(step->place, step->claim->owner, step->claim->started_at);
	at_place[step->place] = step;
	births[step->place]++;
	step->index = step_count;
	steps[step_count++] = step;
}

static void
remove_step(RemoteStep *step)
{
	steps[step->index] = steps[--step_count];
	steps[step->index]->index = step->index;
	at_place[step->place] = NULL;
	remote_step_free(step);
}

/* After a turn: when is the next? */
static void
watch(RemoteStep *step)
{
	if (!step->ended && step->wait.socket != PGINVALID_SOCKET)
		poll_set_watch(&poll_set, step->wait.socket, step->wait.events,
					   (uint64) births[step->place] << 32 | (uint32) step->place);
}

/* Claim some of what is in the queue and start it. False: there was none, or no room for it. */
static bool
take_steps(void)
{
	RemoteStep *taken[BATCH];
	int count = 0;

	while (count < BATCH && step_count + count < capacity)
	{
		EtlQueued queued;
		int place = remote_place_take(&queued);

		if (place < 0)
			break;
		taken[count++] = remote_step_make(place, &queued);
	}
	do_together(taken, count, claim_step, claim_failed);
	for (int i = 0; i < count; i++)
	{
		if (taken[i]->claim == NULL)
		{
			remote_step_free(taken[i]);
			continue;
		}
		add_step(taken[i]);
		remote_step_start(taken[i]);
		watch(taken[i]);
	}
	return count > 0;
}

/* ---- records ---- */

static void
record_step(RemoteStep *step)
{
	step_find_definition(step->claim);
	step_record_outcome(step->claim, step->status, &step->result, &step->failure);
}

/* A lock: later, like all of that run. Anything else: it is given up. */
static void
record_failed(RemoteStep *step, const ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
	{
		for (int i = 0; i < step_count; i++)
			if (steps[i]->queued.run_id == step->queued.run_id)
				steps[i]->record_at_ms = clock_monotonic_ms() + LOCKED_PAUSE_MS;
		return;
	}
	ereport(LOG, errcode(error->sqlerrcode),
			errmsg("the outcome of step " INT64_FORMAT " could not be recorded: %s", step->queued.task_run_id,
				   error->message));
	step->given_up = true;
}

/* Record some of those that have ended. False: there was none. */
static bool
record_ended(int64 now_ms)
{
	RemoteStep *ended[BATCH];
	int count = 0;

	for (int i = 0; i < step_count && count < BATCH; i++)
		if (steps[i]->ended && steps[i]->record_at_ms <= now_ms)
			ended[count++] = steps[i];
	do_together(ended, count, record_step, record_failed);
	for (int i = 0; i < count; i++)
	{
		bool given_up = ended[i]->given_up;

		if (ended[i]->settled || given_up)
			remove_step(ended[i]);
		if (given_up)
			shared_executor_left(MyDatabaseId); /* the scheduler finds it recorded as running, and nobody at it */
	}
	return count > 0;
}

/* ---- the loop ---- */

/* What jobs wait for together is done first; then they have their turns. */
static void
drive_source(int64 now_ms)
{
	static bool watched = false;
	const EtlEventSource *source = flow_event_source();
	int64 due_ms = source->due_ms();

	if (source_ready || (due_ms >= 0 && due_ms <= now_ms))
		source->drive();
	if (source_ready || !watched)
		poll_set_watch(&poll_set, source->descriptor(), WL_SOCKET_READABLE, SOURCE_TAG);
	watched = true;
	source_ready = false;
}

static void
take_turns(int64 now_ms)
{
	drive_source(now_ms);
	for (int i = 0; i < step_count; i++)
		if (!steps[i]->ended && remote_step_go_on(steps[i], now_ms))
			watch(steps[i]);
}

/* What pg_stat_activity says. */
static void
report_activity(void)
{
	static int reported = -1;
	char shown[64];

	if (step_count == reported)
		return;
	reported = step_count;
	snprintf(shown, sizeof(shown), "%d external steps", step_count);
	pgstat_report_activity(step_count > 0 ? STATE_RUNNING : STATE_IDLE, step_count > 0 ? shown : NULL);
	pgstat_report_stat(false);
}

/* Until some step has a reason for a turn, or the latch is set: there may be others in the queue, or one is cancelled. */
static void
wait_for_events(int64 until_ms)
{
	int64 source_due = flow_event_source()->due_ms();
	uint64 tags[BATCH];
	int count;

	if (source_due >= 0)
		until_ms = Min(until_ms, source_due);
	for (int i = 0; i < step_count; i++)
	{
		int64 due = remote_step_due(steps[i]);

		if (due >= 0)
			until_ms = Min(until_ms, due);
	}
	count = poll_set_wait(&poll_set, Max((long) (until_ms - clock_monotonic_ms()), 0), tags, lengthof(tags));
	for (int i = 0; i < count; i++)
	{
		int place = (int) (uint32) tags[i];

		if (tags[i] == SOURCE_TAG)
			source_ready = true;
		else if (at_place[place] != NULL && births[place] == tags[i] >> 32)
			at_place[place]->ready = true;
	}
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

void
pg_etl_remote_main(Datum arg)
{
	int64 idle_since;
	int64 now_ms;

	attach(DatumGetInt32(arg));
	idle_since = now_ms = clock_monotonic_ms();
	while (now_ms - idle_since < IDLE_TIMEOUT_MS)
	{
		bool busy = take_steps();

		now_ms = clock_monotonic_ms();
		take_turns(now_ms);
		busy = record_ended(now_ms) || busy;
		definition_trim();
		report_activity();
		if (busy || step_count > 0)
			idle_since = now_ms;
		wait_for_events(busy ? 0 : idle_since + IDLE_TIMEOUT_MS);
	}
	/* A step queued as it leaves is the scheduler's, which is woken then. */
}
