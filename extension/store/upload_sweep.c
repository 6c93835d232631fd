/*
 * upload_sweep.c
 *		Undoing what nobody is at any more: a process of its own, and what starts it. See uploads.h.
 *
 * A database's scheduler looks at the records at its start and when somebody has abandoned one. If there is
 * something to do it starts a process, which does it and ends: the scheduler itself must not wait for a
 * network. That process runs no SQL of anybody's; it takes the role that made an upload for as long as it looks
 * up server and credentials, so what that role may not do any more, it doesn't.
 *
 * What can't be undone stays on record and is tried again later; etl.abandoned_uploads shows it.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "aws/s3_multipart.h"
#include "base/clock.h"
#include "base/transaction.h"
#include "foreign/foreign.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "net/http.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "store/upload_sweep.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define LOOK_PAUSE_MS 500
#define RUNNING_PAUSE_MS 1000
#define LOOK_AGAIN_S 60
#define CLOCK_TOLERANCE_S 5
#define REQUEST_S 300 /* how long after its record an upload may have been begun whose id isn't known */

PGDLLEXPORT void pg_etl_upload_sweeper_main(Datum arg);

/* ---- the process ---- */

static bool
role_exists(Oid role)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

/* The store the upload was made in, as its role has it now. */
static EtlStore *
open_store(const EtlUploadRecord *record)
{
	ForeignServer *server = GetForeignServerExtended(record->server, FSV_MISSING_OK);
	EtlStore *store;

	if (server == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("AWS server \"%s\" does not exist any more", record->server_name));
	if (record->keys_given)
		ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("the keys were a statement's, and are not kept"));
	store = store_open(server->servername, NULL);
	if (record->region != NULL)
		store->server->region = record->region;
	if ((store->server->mode == ETL_AWS_MODE_LOCAL) != record->is_local)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("AWS server \"%s\" %s local mode now", server->servername,
					   record->is_local ? "is not in" : "is in"));
	if (record->is_local)
		return store;
	store->credentials = record->iam_role != NULL
							 ? aws_credentials_assume_role(store->server, record->iam_role)
							 : aws_credentials_get(store->server);
	return store;
}

/* Those of this key that were begun when the one on record was, and that nobody else has on record. */
static void
abort_strays(const EtlStore *store, const EtlUploadRecord *record)
{
	pg_time_t until = record->created != 0 ? record->created : record->began + REQUEST_S;
	List *ids = s3_uploads_find(store->server, store->credentials, record->bucket, record->key,
								record->began - CLOCK_TOLERANCE_S, until + CLOCK_TOLERANCE_S);
	ListCell *cell;

	foreach (cell, ids)
		if (!uploads_is_known(lfirst(cell)))
			s3_upload_abort(store->server, store->credentials, record->bucket, record->key, lfirst(cell));
}

/* As the role that made the upload, in a transaction that is over before the network is waited for. */
EtlStore *
upload_sweep_store(const EtlUploadRecord *record)
{
	MemoryContext context = CurrentMemoryContext;
	Oid user;
	int security;
	EtlStore *store;

	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	if (!role_exists(record->role))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("role %u does not exist any more", record->role));
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(record->role,
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	store = open_store(record);
	SetUserIdAndSecContext(user, security);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return store;
}

static void
abort_upload(EtlStore *store, const EtlUploadRecord *record)
{
	if (record->upload_id != NULL)
		s3_upload_abort(store->server, store->credentials, record->bucket, record->key, record->upload_id);
	if (record->upload_id == NULL || record->strays)
		abort_strays(store, record);
}

/* This database is to have no process of ours in it, or we are told to end. */
void
upload_sweep_leave_if_told(void)
{
	CHECK_FOR_INTERRUPTS();
	if (uploads_watch() != NULL && uploads_watch()->must_leave(MyDatabaseId))
		proc_exit(0);
}

/* True: it is not all done. */
static bool
undo(EtlUploadFile *file, const EtlUploadRecord *record)
{
	bool stays = false;

	http_limit(UNDO_MS);
	if (record->transaction != 0)
		stays = upload_sweep_objects(file, record);
	else
		abort_upload(upload_sweep_store(record), record);
	http_limit(0);
	return stays;
}

/* When it is to be tried, in seconds since 1970. */
static pg_time_t
when_due(const EtlUploadRecord *record)
{
	if (record->failures > 0)
		return record->tried + upload_record_pause(record->failures);
	return record->looked != 0 ? record->looked + LOOK_AGAIN_S : 0;
}

static void
note_failure(EtlUploadFile *file, const EtlUploadRecord *record, const ErrorData *error)
{
	uploads_record_failure(file, record, error->message);
	if (record->failures == 0)
		ereport(WARNING, errcode(error->sqlerrcode),
				record->transaction == 0
					? errmsg("an abandoned upload to \"%s\" could not be aborted",
							 store_uri_format(record->bucket, record->key))
					: errmsg("objects of a transaction that failed could not be removed from \"%s\"",
							 store_uri_format(record->bucket, "")),
				errdetail("%s%s%s", error->message, error->detail != NULL ? ": " : ".",
						  error->detail != NULL ? error->detail : ""),
				record->transaction == 0
					? errhint("It is tried again; etl.abandoned_uploads shows it. Until it is aborted, its parts "
							  "cost money.")
					: errhint("It is tried again; etl.abandoned_uploads shows it."));
}

/* An EtlUploadVisit. */
static bool
sweep_one(EtlUploadFile *file, const EtlUploadRecord *record, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool stays = false;

	upload_sweep_leave_if_told();
	if (timestamptz_to_time_t(clock_now()) < when_due(record))
		return true;
	PG_TRY();
	{
		stays = undo(file, record);
	}
	PG_CATCH();
	{
		ErrorData *error;

		http_limit(0);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		note_failure(file, record, error);
		stays = true;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return stays;
}

void
pg_etl_upload_sweeper_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);
	etl_transaction_set_defaults();
	SetConfigOption("application_name", "pg_etl upload sweeper", PGC_USERSET, PGC_S_SESSION);
	context = AllocSetContextCreate(TopMemoryContext, "pg_etl upload sweeper", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	uploads_visit(MyDatabaseId, sweep_one, NULL);
}

/* ---- what starts it ---- */

/* An EtlUploadVisit: when is the first of them to be undone? */
static bool
note_due(EtlUploadFile *file, const EtlUploadRecord *record, void *arg)
{
	pg_time_t *due = arg;
	pg_time_t next = when_due(record);

	if (*due < 0 || next < *due)
		*due = next;
	return true;
}

static BackgroundWorkerHandle *
sweeper_start(void)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	bool started;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	strlcpy(worker.bgw_library_name, "pg_etl", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pg_etl_upload_sweeper_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pg_etl upload sweeper", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pg_etl upload sweeper", BGW_MAXLEN);
	started = RegisterDynamicBackgroundWorker(&worker, &handle);
	MemoryContextSwitchTo(caller);
	return started ? handle : NULL;
}

TimestampTz
uploads_sweep(void)
{
	static BackgroundWorkerHandle *running = NULL;
	static TimestampTz looked = DT_NOBEGIN;
	TimestampTz now = clock_now();
	pg_time_t due = -1;
	pid_t pid;

	if (running != NULL && GetBackgroundWorkerPid(running, &pid) != BGWH_STOPPED)
		return TimestampTzPlusMilliseconds(now, RUNNING_PAUSE_MS);
	if (running != NULL)
		pfree(running);
	running = NULL;
	/* A busy scheduler comes here a thousand times a second. */
	if (now >= looked && now < TimestampTzPlusMilliseconds(looked, LOOK_PAUSE_MS))
		return TimestampTzPlusMilliseconds(looked, LOOK_PAUSE_MS);
	looked = now;
	uploads_visit(MyDatabaseId, note_due, &due);
	if (due < 0)
		return DT_NOEND;
	if (due > timestamptz_to_time_t(now))
		return time_t_to_timestamptz(due);
	running = sweeper_start();
	return TimestampTzPlusMilliseconds(now, RUNNING_PAUSE_MS);
}
