/*
 * remote_step.c
 *		The turns of a remote executor's step. See remote_step.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "flow/remote_place.h"
#include "flow/remote_step.h"
#include "flow/role.h"
#include "flow/slot.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

ErrorData *
remote_step_attempt(void (*work)(void *arg), void *arg, MemoryContext context)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorData *volatile error = NULL;

	PG_TRY();
	{
		work(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return error;
}

RemoteStep *
remote_step_make(int place, const EtlQueued *queued)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "pg_etl remote step", ALLOCSET_SMALL_SIZES);
	RemoteStep *step = MemoryContextAllocZero(context, sizeof(RemoteStep));

	step->context = context;
	step->place = place;
	step->queued = *queued;
	step->wait = ETL_WAIT_NONE;
	step->timeout_ms = -1;
	step->result.rows = -1;
	return step;
}

void
remote_step_free(RemoteStep *step)
{
	remote_place_free(step->place);
	MemoryContextDelete(step->context);
}

void
remote_step_abandon(RemoteStep *step)
{
	void *job = step->job;

	step->job = NULL;
	if (job != NULL)
		step->claim->adapter->abandon(job);
}

static void
end(RemoteStep *step, EtlStepStatus status, EtlStepFailure failure)
{
	remote_step_abandon(step);
	step->ended = true;
	step->status = status;
	step->failure = failure;
}

static void
take_turn(RemoteStep *step, void (*turn)(void *step))
{
	MemoryContext caller = MemoryContextSwitchTo(step->context);
	ErrorData *error;

	slot_turn_begin(&step->queued, step->claim->started_at);
	error = remote_step_attempt(turn, step, step->context);
	if (error != NULL)
		end(step, ETL_STEP_FAILED, step_failure(error));
	slot_turn_end();
	MemoryContextSwitchTo(caller);
}

/* As its owner, who is superuser or not, with that role's mappings, privileges and settings. */
static void
first_turn(void *arg)
{
	RemoteStep *step = arg;
	Oid saved_user;
	int saved_security;
	int guc_nest_level;

	StartTransactionCommand();
	MemoryContextSwitchTo(step->context);
	guc_nest_level = role_apply_settings(step->claim->owner);
	GetUserIdAndSecContext(&saved_user, &saved_security);
	SetUserIdAndSecContext(step->claim->owner,
						   saved_security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	step->job = step->claim->adapter->start(&step->claim->step);
	SetUserIdAndSecContext(saved_user, saved_security);
	AtEOXact_GUC(true, guc_nest_level);
	CommitTransactionCommand();
	MemoryContextSwitchTo(step->context);
}

static void
next_turn(void *arg)
{
	RemoteStep *step = arg;

	if (!step->claim->adapter->poll(step->job, &step->wait, &step->result))
		return;
	Assert(!IsTransactionState());
	step->job = NULL;
	step->ended = true;
	step->status = ETL_STEP_SUCCEEDED;
}

void
remote_step_start(RemoteStep *step)
{
	const EtlClaim *claim = step->claim;

	if (claim->timeout > 0)
		step->timeout_ms = clock_monotonic_ms() + (int64) (Min(claim->timeout, PG_INT32_MAX) * 1000);
	take_turn(step, first_turn);
	if (!step->ended)
		take_turn(step, next_turn);
}

static EtlStepFailure
timeout_failure(RemoteStep *step)
{
	MemoryContext caller = MemoryContextSwitchTo(step->context);
	EtlStepFailure failure = step_failure_of_timeout(step->claim);

	MemoryContextSwitchTo(caller);
	return failure;
}

bool
remote_step_go_on(RemoteStep *step, int64 now_ms)
{
	if (remote_place_is_cancelled(step->place))
		end(step, ETL_STEP_CANCELLED, (EtlStepFailure){0}); /* the reason is its run's */
	else if (step->timeout_ms >= 0 && step->timeout_ms <= now_ms)
		end(step, ETL_STEP_TIMED_OUT, timeout_failure(step));
	else if (step->ready || (step->wait.flag != NULL && *step->wait.flag) ||
			 (step->wait.until_ms >= 0 && step->wait.until_ms <= now_ms))
	{
		step->ready = false;
		take_turn(step, next_turn);
	}
	else
		return false;
	return true;
}

int64
remote_step_due(const RemoteStep *step)
{
	int64 due = step->wait.until_ms;

	if (step->ended)
		return step->record_at_ms;
	if (step->timeout_ms >= 0)
		due = due < 0 ? step->timeout_ms : Min(due, step->timeout_ms);
	return due;
}
