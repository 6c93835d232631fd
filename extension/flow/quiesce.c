/*
 * quiesce.c
 *		Takes the engine's processes out of a database before a statement that would wait for them. See quiesce.h.
 *
 * DROP DATABASE, ALTER DATABASE … RENAME or SET TABLESPACE, and CREATE DATABASE … TEMPLATE refuse while anybody is
 * connected; DROP EXTENSION waits for every transaction that uses its tables, a running step's among them. Before
 * such a statement runs, the database's scheduler and executors are told to end (a step's transaction rolls back),
 * and none is started there until the transaction has ended. If it dropped nothing, they come back.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "flow/quiesce.h"
#include "flow/shared.h"
#include "flow/slot.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "tcop/utility.h"
#include "utils/acl.h"

#define QUIESCE_TIMEOUT_MS 10000

static ProcessUtility_hook_type prev_process_utility_hook = NULL;
static bool quiescing = false; /* this backend has entries in etl_shared->quiesced */

/* Signal every process of ours in the database; the number there were. */
static int
signal_workers(Oid dbid)
{
	int count = 0;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
	{
		EtlSchedulerSlot *slot = &etl_shared->schedulers[i];

		if (slot->dbid == dbid)
		{
			count++;
			if (slot->pid != 0)
				kill(slot->pid, SIGTERM);
		}
	}
	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->dbid == dbid && slot->state != ETL_EXECUTOR_FREE && slot->state != ETL_EXECUTOR_RECOVER)
		{
			count++;
			if (slot->pid != 0)
				kill(slot->pid, SIGTERM);
		}
	}
	LWLockRelease(etl_shared->lock);
	return count;
}

static void
quiesce(Oid dbid)
{
	int free = -1;

	if (dbid == MyDatabaseId && slot_run_id() != 0)
		ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE), errmsg("a step cannot run this statement"),
				errdetail("It ends the processes of pg_etl in this database, the step's among them."),
				errhint("Run it in a session."));
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ETL_MAX_QUIESCED && free < 0; i++)
		if (etl_shared->quiesced[i].pid == 0)
			free = i;
	if (free >= 0)
	{
		etl_shared->quiesced[free].dbid = dbid;
		etl_shared->quiesced[free].pid = MyProcPid;
		quiescing = true;
	}
	LWLockRelease(etl_shared->lock);
	if (free < 0)
		ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("more than %d databases are being dropped at a time", ETL_MAX_QUIESCED));

	/* Again and again, since one may just be starting. */
	ConditionVariablePrepareToSleep(&etl_shared->worker_gone);
	for (int waited = 0; signal_workers(dbid) > 0; waited += 100)
	{
		if (waited >= QUIESCE_TIMEOUT_MS)
		{
			ConditionVariableCancelSleep();
			ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
					errmsg("a process of pg_etl in database %u did not end", dbid),
					errhint("SELECT pid, backend_type FROM pg_stat_activity shows it."));
		}
		(void) ConditionVariableTimedSleep(&etl_shared->worker_gone, 100, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

static void
end_quiesce(void)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ETL_MAX_QUIESCED; i++)
		if (etl_shared->quiesced[i].pid == MyProcPid)
			memset(&etl_shared->quiesced[i], 0, sizeof(EtlQuiesced));
	LWLockRelease(etl_shared->lock);
	quiescing = false;
	shared_wake_launcher(true);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	/* It would keep its locks, and the engine's processes would come back to them. */
	if (quiescing && event == XACT_EVENT_PRE_PREPARE)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot PREPARE a transaction that has dropped extension \"pg_etl\""), errhint("Use COMMIT."));
	if (quiescing && (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT))
		end_quiesce();
}

static bool
drops_this_extension(const DropStmt *statement)
{
	ListCell *cell;

	if (statement->removeType != OBJECT_EXTENSION)
		return false;
	foreach (cell, statement->objects)
		if (strcmp(strVal(lfirst(cell)), "pg_etl") == 0)
			return true;
	return false;
}

/* The database that a statement needs without other connections, by name; NULL: none. */
static const char *
emptied_database(Node *statement)
{
	ListCell *cell;

	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return ((DropdbStmt *) statement)->dbname;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_DATABASE ? ((RenameStmt *) statement)->subname
																			  : NULL;
		case T_AlterDatabaseStmt:
			foreach (cell, ((AlterDatabaseStmt *) statement)->options)
				if (strcmp(((DefElem *) lfirst(cell))->defname, "tablespace") == 0)
					return ((AlterDatabaseStmt *) statement)->dbname;
			return NULL;
		case T_CreatedbStmt:
			foreach (cell, ((CreatedbStmt *) statement)->options)
			{
				DefElem *option = lfirst(cell);

				if (strcmp(option->defname, "template") == 0 && option->arg != NULL && IsA(option->arg, String))
					return strVal(option->arg);
			}
			return NULL;
		default:
			return NULL;
	}
}

/* Only for those who may do it: anybody else is about to be refused, and must not stop a step on the way. */
static void
quiesce_for(Node *statement)
{
	const char *name = emptied_database(statement);
	Oid dbid = name ? get_database_oid(name, true) : InvalidOid;

	if (OidIsValid(dbid) && (superuser() || object_ownercheck(DatabaseRelationId, dbid, GetUserId())))
		quiesce(dbid);
	if (IsA(statement, DropStmt) && drops_this_extension((DropStmt *) statement) && superuser())
		quiesce(MyDatabaseId);
	if (IsA(statement, CreatedbStmt))
		wake_for_launcher(); /* a copy may have the extension */
}

static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	bool commits_prepared = IsA(pstmt->utilityStmt, TransactionStmt) &&
		((TransactionStmt *) pstmt->utilityStmt)->kind == TRANS_STMT_COMMIT_PREPARED;

	if (etl_shared != NULL && IsTransactionState())
		quiesce_for(pstmt->utilityStmt);
	if (prev_process_utility_hook)
		prev_process_utility_hook(pstmt, query, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only_tree, context, params, environment, dest, completion);
	/* What it queued was forgotten when it was prepared: the tables have it. */
	if (etl_shared != NULL && commits_prepared)
	{
		shared_queue_overflowed(MyDatabaseId);
		shared_limit_changed(MyDatabaseId);
	}
}

void
quiesce_init(void)
{
	prev_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	RegisterXactCallback(at_transaction_end, NULL);
}
