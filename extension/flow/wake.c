/*
 * wake.c
 *		Wishes kept until commit. See wake.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "flow/shared.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

typedef enum WishKind
{
	WISH_STEP,
	WISH_SCHEDULER,
	WISH_RUN_END,
	WISH_CANCEL,
	WISH_LAUNCHER
} WishKind;

typedef struct Wish
{
	WishKind kind;
	int nest_level; /* of the subtransaction that made it, or of the one that took it over */
	Oid owner;
	int64 run_id;
	int count;
} Wish;

static List *wishes = NIL; /* in TopTransactionContext */

static void
wish(WishKind kind, Oid owner, int64 run_id)
{
	MemoryContext old;
	Wish *new;
	ListCell *cell;
	int nest_level = GetCurrentTransactionNestLevel();

	if (etl_shared == NULL)
		return;
	foreach (cell, wishes)
	{
		Wish *there = lfirst(cell);

		if (there->kind == kind && there->owner == owner && there->run_id == run_id &&
			there->nest_level == nest_level)
		{
			there->count++;
			return;
		}
	}
	old = MemoryContextSwitchTo(TopTransactionContext);
	new = palloc(sizeof(Wish));
	*new = (Wish){.kind = kind, .nest_level = nest_level, .owner = owner, .run_id = run_id, .count = 1};
	wishes = lappend(wishes, new);
	MemoryContextSwitchTo(old);
}

void
wake_for_step(Oid owner)
{
	wish(WISH_STEP, owner, 0);
}

void
wake_for_scheduler(void)
{
	wish(WISH_SCHEDULER, InvalidOid, 0);
}

void
wake_for_run_end(void)
{
	wish(WISH_RUN_END, InvalidOid, 0);
}

void
wake_for_cancel(int64 run_id)
{
	wish(WISH_CANCEL, InvalidOid, run_id);
}

void
wake_for_launcher(void)
{
	wish(WISH_LAUNCHER, InvalidOid, 0);
}

static void
grant(const Wish *wish)
{
	switch (wish->kind)
	{
		case WISH_STEP:
			shared_wake_executors(MyDatabaseId, wish->owner, wish->count);
			break;
		case WISH_SCHEDULER:
			shared_wake_scheduler(MyDatabaseId);
			break;
		case WISH_RUN_END:
			ConditionVariableBroadcast(&etl_shared->run_ended);
			break;
		case WISH_CANCEL:
			shared_cancel_run(MyDatabaseId, wish->run_id);
			break;
		case WISH_LAUNCHER:
			shared_wake_launcher(true);
			break;
	}
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	ListCell *cell;

	if (event == XACT_EVENT_COMMIT)
		foreach (cell, wishes)
			grant(lfirst(cell));
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
