/*
 * copy_job.c
 *		COPY JOB RUN: the files that a job has not loaded yet, each once.
 *
 * A run is one transaction: what it loads and that it has loaded it. The job's row is locked meanwhile, so runs come one
 * after another. Files are loaded as they were found (key and ETag); one that has changed since fails the run, and the next
 * finds the new one.
 *
 * All that is new is one load. If it fails at its data, each file is one: a bad file is marked as such and keeps none of the
 * others from being loaded. Any other failure (the network, a right, a lock) is the run's, and marks nothing.
 *
 * Who runs a job is its owner, by name: it loads with the caller's rights.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "copy/history.h"
#include "copy/load_code.h"
#include "copy/options.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/store.h"
#include "store/uri.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

/* etl.load */
extern Datum pg_etl_load(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(pg_etl_copy_job_objects);
PG_FUNCTION_INFO_V1(pg_etl_copy_job_refuse_keys);
PG_FUNCTION_INFO_V1(pg_etl_copy_job_run);

typedef struct CopyJob
{
	int64 id;
	const char *name;
	Oid table;
	Datum uri;
	Datum format;
	Datum options;
	char *server;
} CopyJob;

typedef struct CopyJobRun
{
	CopyJob job;
	Datum uris; /* an array, of the new files, in their order; what follows is parallel to it */
	Datum etags;
	Datum sizes;
	Datum times;
	int count;
	int64 rows;
	int failed;
	char *failure; /* the first */
} CopyJobRun;

typedef struct ObjectRows
{
	ReturnSetInfo *result;
	const char *bucket;
	MemoryContext context;
} ObjectRows;

static bool
add_object(const EtlObject *object, void *arg)
{
	ObjectRows *rows = arg;
	MemoryContext old = MemoryContextSwitchTo(rows->context);
	Datum values[] = {CStringGetTextDatum(store_uri_format(rows->bucket, object->key)),
					  Int64GetDatum((int64) object->size), CStringGetTextDatum(object->etag),
					  TimestampTzGetDatum(object->last_modified)};
	bool nulls[lengthof(values)] = {false};

	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->context);
	return true;
}

Datum
pg_etl_copy_job_objects(PG_FUNCTION_ARGS)
{
	ObjectRows rows = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	EtlLoadOptions options;
	EtlUri uri;

	copy_load_options_read(text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_JSONB_P(2), &options);
	store_uri_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &uri);
	InitMaterializedSRF(fcinfo, 0);
	rows.bucket = uri.bucket;
	rows.context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl copy job object", ALLOCSET_SMALL_SIZES);
	store_list(store_open_with(&options.access), uri.bucket, uri.key, add_object, &rows);
	return (Datum) 0;
}

Datum
pg_etl_copy_job_refuse_keys(PG_FUNCTION_ARGS)
{
	Jsonb *options = PG_GETARG_JSONB_P(1);

	if (JB_ROOT_IS_OBJECT(options) &&
		getKeyJsonValueFromContainer(&options->root, "credentials", strlen("credentials"), NULL) != NULL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errhidestmt(true),
				errmsg("copy job \"%s\" cannot have keys", text_to_cstring(PG_GETARG_TEXT_PP(0))),
				errhint("Use IAM_ROLE."));
	PG_RETURN_VOID();
}

static Datum
copy_datum(const EtlSpiScope *spi, int column, int16 typlen)
{
	MemoryContext old = MemoryContextSwitchTo(spi->caller_context);
	bool isnull;
	Datum value = etl_spi_datum(0, column, &isnull);

	value = datumCopy(value, false, typlen);
	MemoryContextSwitchTo(old);
	return value;
}

/* Locks its row, so that there is one run at a time. */
static void
read_job(const char *name, CopyJob *job)
{
	static EtlSpiPlan find = {
		"SELECT job_id, owner, table_name, uri, format, options, server FROM etl.copy_job"
		" WHERE job_id = etl._copy_job_id($1) FOR NO KEY UPDATE",
		1,
		{TEXTOID}};
	Datum values[] = {CStringGetTextDatum(name)};
	EtlSpiScope spi;
	Oid owner;
	bool isnull;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_execute(&find, SPI_OK_SELECT, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("copy job \"%s\" has been dropped", name));
	job->name = name;
	job->id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	owner = DatumGetObjectId(etl_spi_datum(0, 2, &isnull));
	job->table = DatumGetObjectId(etl_spi_datum(0, 3, &isnull));
	job->uri = copy_datum(&spi, 4, -1);
	job->format = copy_datum(&spi, 5, -1);
	job->options = copy_datum(&spi, 6, -1);
	job->server = etl_spi_text(&spi, 0, 7);
	etl_spi_close(&spi);
	if (owner != GetUserId())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("copy job \"%s\" is another role's", name),
				errdetail("Its owner is \"%s\".", GetUserNameFromId(owner, true)),
				errhint("SET ROLE to its owner."));
	if (get_rel_name(job->table) == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("the table of copy job \"%s\" does not exist any more", name),
				errhint("COPY JOB DROP it."));
}

static void
find_new(CopyJobRun *run, bool retry_failed)
{
	static EtlSpiPlan find = {
		"SELECT count(*)::integer, array_agg(uri_of), array_agg(etag), array_agg(size), "
		"array_agg(last_modified) FROM ("
		"SELECT o.* FROM etl._copy_job_objects($2, $3, $4) o WHERE NOT EXISTS (SELECT FROM etl.copy_job_file "
		"f"
		" WHERE f.job_id = $1 AND f.uri = o.uri_of AND f.etag = o.etag AND NOT (f.status = 'failed' AND $5))"
		" ORDER BY o.uri_of COLLATE \"C\") o",
		5,
		{INT8OID, TEXTOID, TEXTOID, JSONBOID, BOOLOID}};
	Datum values[] = {Int64GetDatum(run->job.id), run->job.uri, run->job.format, run->job.options,
					  BoolGetDatum(retry_failed)};
	EtlSpiScope spi;
	bool isnull;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	etl_spi_execute(&find, SPI_OK_SELECT, values, NULL);
	run->count = DatumGetInt32(etl_spi_datum(0, 1, &isnull));
	if (run->count > 0)
	{
		run->uris = copy_datum(&spi, 2, -1);
		run->etags = copy_datum(&spi, 3, -1);
		run->sizes = copy_datum(&spi, 4, -1);
		run->times = copy_datum(&spi, 5, -1);
	}
	etl_spi_close(&spi);
}

/* The job's options, and the files from one up to another. */
static Datum
options_of(const CopyJobRun *run, int first, int last)
{
	static EtlSpiPlan make = {
		"SELECT $1 || jsonb_build_object('files', (SELECT jsonb_agg(format('%s %s %s', ($3)[i], ($4)[i],"
		" substr(($2)[i], length(split_part(($2)[i], '/', 3)) + 7)) ORDER BY i) FROM generate_series($5, $6) "
		"i))",
		6,
		{JSONBOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT4OID, INT4OID}};
	Datum values[] = {run->job.options,		run->uris,			run->etags, run->sizes,
					  Int32GetDatum(first), Int32GetDatum(last)};
	EtlSpiScope spi;
	Datum options;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	etl_spi_execute(&make, SPI_OK_SELECT, values, NULL);
	options = copy_datum(&spi, 1, -1);
	etl_spi_close(&spi);
	return options;
}

/* Returns the first one's URI. */
static char *
mark(const CopyJobRun *run, int first, int last, const char *status, const char *message)
{
	static EtlSpiPlan insert = {
		"INSERT INTO etl.copy_job_file AS o (job_id, uri, etag, size, last_modified, status, load_id, "
		"message)"
		" SELECT $1, ($2)[i], ($3)[i], ($4)[i], ($5)[i], $8, $9, $10 FROM generate_series($6, $7) i"
		" ON CONFLICT (job_id, uri, etag) DO UPDATE SET status = excluded.status, load_id = excluded.load_id,"
		" message = excluded.message, at = excluded.at WHERE o.status = 'failed' RETURNING uri",
		10,
		{INT8OID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID, INT4OID, INT4OID, TEXTOID,
		 INT8OID, TEXTOID}};
	Datum values[] = {Int64GetDatum(run->job.id),
					  run->uris,
					  run->etags,
					  run->sizes,
					  run->times,
					  Int32GetDatum(first),
					  Int32GetDatum(last),
					  CStringGetTextDatum(status),
					  Int64GetDatum(load_history_last()),
					  message == NULL ? (Datum) 0 : CStringGetTextDatum(message)};
	EtlSpiScope spi;
	uint64 marked;
	char *uri;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	marked = etl_spi_execute(&insert, SPI_OK_INSERT_RETURNING, values, message == NULL ? "         n" : NULL);
	uri = marked == 0 ? NULL : etl_spi_text(&spi, 0, 1);
	etl_spi_close(&spi);
	/* In a transaction that sees an old state: another run has been faster. */
	if (marked != last - first + 1)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("copy job \"%s\" has been run by somebody else meanwhile", run->job.name),
				errhint("Run it again."));
	return uri;
}

/* The files have bad data; not so the job, the store or the server. */
static bool
is_of_data(int sqlstate)
{
	if (sqlstate == ERRCODE_INVALID_PARAMETER_VALUE)
		return false; /* an option */
	return load_code_is_of_row(sqlstate) || sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

static void
load_files(CopyJobRun *run, int first, int last)
{
	Datum options = options_of(run, first, last);

	load_history_set_copy_job(run->job.id);
	PG_TRY();
	{
		run->rows += DatumGetInt64(DirectFunctionCall4(pg_etl_load, ObjectIdGetDatum(run->job.table),
													   run->job.uri, run->job.format, options));
	}
	PG_FINALLY();
	{
		load_history_set_copy_job(0);
	}
	PG_END_TRY();
	(void) mark(run, first, last, "loaded", NULL);
}

/* In a subtransaction. False: bad data, of which `message` is said. */
static bool
try_files(CopyJobRun *run, int first, int last, char **message)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool loaded = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		load_files(run, first, last);
		ReleaseCurrentSubTransaction();
		loaded = true;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (!is_of_data(error->sqlerrcode))
			ReThrowError(error);
		*message = error->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return loaded;
}

static void
load_one_by_one(CopyJobRun *run)
{
	for (int i = 1; i <= run->count; i++)
	{
		char *message;
		char *uri;

		CHECK_FOR_INTERRUPTS();
		if (try_files(run, i, i, &message))
			continue;
		uri = mark(run, i, i, "failed", message);
		if (run->failed++ == 0)
			run->failure = psprintf("File \"%s\": %s.", uri, message);
	}
}

Datum
pg_etl_copy_job_run(PG_FUNCTION_ARGS)
{
	CopyJobRun run = {.count = 0};
	char *message;
	int guc_level;

	read_job(text_to_cstring(PG_GETARG_TEXT_PP(0)), &run.job);
	/* where the job's files are, whatever the session's are */
	guc_level = NewGUCNestLevel();
	(void) set_config_option("etl.aws_server", run.job.server, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	find_new(&run, PG_GETARG_BOOL(1));
	if (run.count == 1 || (run.count > 1 && !try_files(&run, 1, run.count, &message)))
		load_one_by_one(&run);
	AtEOXact_GUC(true, guc_level);
	if (run.failed > 0)
		ereport(WARNING, errcode(ERRCODE_WARNING),
				errmsg("copy job \"%s\" has not loaded %d of %d files", run.job.name, run.failed, run.count),
				errdetail("%s", run.failure),
				errhint("SELECT uri, load_id, message FROM etl.copy_job_file WHERE status = 'failed'; COPY "
						"JOB RUN tries them again."));
	PG_RETURN_INT64(run.rows);
}
