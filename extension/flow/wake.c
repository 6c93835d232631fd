/*
 * wake.c
 *		Wishes kept until commit. See wake.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "flow/shared.h"
#include "flow/slot.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

typedef enum WishKind
{
	WISH_STEP,
	WISH_SCHEDULER,
	WISH_POOLS,
	WISH_RUN_END,
	WISH_CANCEL,
	WISH_SIGNAL,
	WISH_LIMIT,
	WISH_STEP_CANCEL,
	WISH_LAUNCHER
} WishKind;

typedef struct Wish
{
	WishKind kind;
	int nest_level; /* of the subtransaction that made it, or of the one that took it over */
	int64 run_id;
	Oid owner;
	EtlQueued step;
} Wish;

static List *wishes = NIL; /* in TopTransactionContext */

static void
wish(WishKind kind, int64 run_id, Oid owner, const EtlQueued *step)
{
	MemoryContext old;
	Wish *new;

	if (etl_shared == NULL)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	new = palloc(sizeof(Wish));
	*new = (Wish){.kind = kind, .nest_level = GetCurrentTransactionNestLevel(), .owner = owner, .run_id = run_id};
	if (step != NULL)
		new->step = *step;
	if (step != NULL && step->pool != NULL)
		new->step.pool = pstrdup(step->pool); /* the definition may be forgotten before the commit */
	wishes = lappend(wishes, new);
	MemoryContextSwitchTo(old);
}

void
wake_for_step(Oid owner, const EtlQueued *step)
{
	wish(WISH_STEP, 0, owner, step);
}

void
wake_for_scheduler(void)
{
	wish(WISH_SCHEDULER, 0, InvalidOid, NULL);
}

void
wake_for_pools(void)
{
	wish(WISH_POOLS, 0, InvalidOid, NULL);
}

void
wake_for_run_end(int64 run_id)
{
	wish(WISH_RUN_END, run_id, InvalidOid, NULL);
}

void
wake_for_cancel(int64 run_id)
{
	wish(WISH_CANCEL, run_id, InvalidOid, NULL);
}

void
wake_for_signal(void)
{
	wish(WISH_SIGNAL, 0, InvalidOid, NULL);
}

void
wake_for_limit(void)
{
	wish(WISH_LIMIT, 0, InvalidOid, NULL);
}

void
wake_for_step_cancel(int64 task_run_id)
{
	EtlQueued step = {.task_run_id = task_run_id};

	wish(WISH_STEP_CANCEL, 0, InvalidOid, &step);
}

void
wake_for_launcher(void)
{
	wish(WISH_LAUNCHER, 0, InvalidOid, NULL);
}

/* What is to be seen to when all steps are queued. */
typedef struct Queued
{
	bool full;	 /* some are not in the queue */
	bool asks;	 /* some pool's slots aren't known */
	bool remote; /* some are the remote executor's */
} Queued;

/* True: an executor of the step's owner can start it. */
static bool
queue_step(const Wish *wish, Queued *queued)
{
	switch (queue_push(MyDatabaseId, wish->owner, &wish->step))
	{
		case ETL_QUEUE_READY:
			queued->remote = queued->remote || wish->step.remote;
			return !wish->step.remote;
		case ETL_QUEUE_WAITS:
			return false;
		case ETL_QUEUE_ASKS:
			queued->asks = true;
			return false;
		case ETL_QUEUE_FULL:
			queued->full = true;
			return false;
	}
	return false;
}

/* Steps of one owner, one after the other in the list, are queued together and then looked for together. */
static void
queue_steps(void)
{
	Oid owner = InvalidOid;
	int count = 0;
	bool own_taken = false;
	Queued queued = {0};
	ListCell *cell;

	foreach (cell, wishes)
	{
		const Wish *wish = lfirst(cell);

		if (wish->kind != WISH_STEP)
			continue;
		if (wish->owner != owner)
		{
			if (count > 0)
				shared_call_executors(MyDatabaseId, owner, count);
			owner = wish->owner;
			count = 0;
		}
		if (!queue_step(wish, &queued))
			continue;
		/* An executor takes one of its own owner's itself. */
		if (owner == slot_owner() && !own_taken)
			own_taken = true;
		else
			count++;
	}
	if (count > 0)
		shared_call_executors(MyDatabaseId, owner, count);
	if (queued.remote)
		shared_call_remote_executor(MyDatabaseId);
	if (queued.full)
		shared_queue_overflowed(MyDatabaseId);
	else if (queued.asks)
		shared_wake_scheduler(MyDatabaseId);
}

static void
grant(void)
{
	bool once[WISH_LAUNCHER + 1] = {false}; /* what need not be done twice */
	ListCell *cell;

	/* Cancellations first: of the steps that start now, the run's notifications among them, none is meant. */
	foreach (cell, wishes)
	{
		const Wish *wish = lfirst(cell);

		if (wish->kind == WISH_CANCEL)
			shared_cancel_run(MyDatabaseId, wish->run_id);
		else if (wish->kind == WISH_STEP_CANCEL)
			shared_cancel_step(MyDatabaseId, wish->step.task_run_id);
		else if (wish->kind == WISH_RUN_END)
			ConditionVariableBroadcast(shared_run_ended(wish->run_id));
		else
			once[wish->kind] = true;
	}
	if (once[WISH_POOLS])
		shared_pools_changed(MyDatabaseId); /* before steps that this commit queued take slots it took away */
	queue_steps();
	if (once[WISH_SCHEDULER])
		shared_wake_scheduler(MyDatabaseId);
	if (once[WISH_SIGNAL])
		shared_signal(MyDatabaseId);
	if (once[WISH_LIMIT])
		shared_limit_changed(MyDatabaseId);
	if (once[WISH_LAUNCHER])
		shared_wake_launcher(true);
}

/*
 * Who commits a prepared transaction knows nothing of its wishes. What it queued is found in the tables (quiesce.c); of
 * these wishes nothing would come, so it is not prepared, as one isn't that has used NOTIFY.
 */
static void
check_preparable(void)
{
	ListCell *cell;

	foreach (cell, wishes)
	{
		const Wish *wish = lfirst(cell);

		if (wish->kind == WISH_CANCEL || wish->kind == WISH_LAUNCHER)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					wish->kind == WISH_CANCEL
						? errmsg("cannot PREPARE a transaction that has cancelled run " INT64_FORMAT, wish->run_id)
						: errmsg("cannot PREPARE a transaction that has created extension \"pg_etl\""),
					errhint("Use COMMIT."));
	}
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_PREPARE)
		check_preparable();
	if (event == XACT_EVENT_COMMIT && wishes != NIL)
		grant();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		wishes = NIL; /* its memory goes with TopTransactionContext */
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	ListCell *cell;
	int nest_level = GetCurrentTransactionNestLevel();

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach (cell, wishes)
	{
		Wish *wish = lfirst(cell);

		if (wish->nest_level < nest_level)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			wish->nest_level = nest_level - 1;
		else
			wishes = foreach_delete_current(wishes, cell);
	}
}

void
wake_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}
