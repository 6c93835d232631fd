/*
 * token.c
 *		Task tokens, and what is said with them. See token.h.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "flow/operate.h"
#include "flow/token.h"
#include "flow/wake.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define TOKEN_BYTES 32

char *
token_make(void)
{
	uint8 random[TOKEN_BYTES];
	char *token = palloc(2 * TOKEN_BYTES + 1);

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a task token"));
	token[hex_encode((char *) random, sizeof(random), token)] = '\0';
	return token;
}

Datum
token_hash(const char *token)
{
	bytea *hash = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(ctx) < 0 || pg_cryptohash_update(ctx, (const uint8 *) token, strlen(token)) < 0 ||
		pg_cryptohash_final(ctx, (uint8 *) VARDATA(hash), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256: %s", pg_cryptohash_error(ctx));
	pg_cryptohash_free(ctx);
	SET_VARSIZE(hash, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	return PointerGetDatum(hash);
}

/* A suspended step, in words for errors, and whether its time is over. */
typedef struct Suspended
{
	int64 task_run_id;
	char *subject;
	bool late;
} Suspended;

#define SUSPENDED_QUERY                                                                                      \
	"SELECT s.task_run_id, format('Task \"%s\" of run %s, attempt %s', t.task, t.run_id, t.attempt),"        \
	"  coalesce(s.due_at <= $1, false)"                                                                      \
	" FROM etl.suspended s JOIN etl.task_run t ON t.run_id = s.run_id AND t.task_run_id = s.task_run_id"

/* From the one row of such a query. */
static Suspended
read_suspended(const EtlSpiScope *spi)
{
	bool isnull;

	return (Suspended){.task_run_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull)),
					   .subject = etl_spi_text(spi, 0, 2),
					   .late = DatumGetBool(etl_spi_datum(0, 3, &isnull))};
}

static Suspended
find_by_token(const EtlSpiScope *spi, const char *token)
{
	static EtlSpiPlan find = {SUSPENDED_QUERY " WHERE s.token_hash = $2", 2, {TIMESTAMPTZOID, BYTEAOID}};
	Datum values[] = {TimestampTzGetDatum(clock_now()), token_hash(token)};

	if (etl_spi_execute(&find, SPI_OK_SELECT, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no step waits for this task token"),
				errdetail("It was never given out here, or its step has ended:"
						  " completed, failed, timed out or cancelled."),
				errhint("A new attempt of a step has a new token."));
	return read_suspended(spi);
}

/* One that is still at its part has no end yet that anybody could speak of without its token. */
static Suspended
find_by_task(const EtlSpiScope *spi, int64 run_id, const char *task)
{
	static EtlSpiPlan find = {
		SUSPENDED_QUERY
		" WHERE t.run_id = $2 AND t.task = $3 AND s.token_hash IS NOT NULL AND s.since IS NOT NULL",
		3,
		{TIMESTAMPTZOID, INT8OID, TEXTOID}};
	Datum values[] = {TimestampTzGetDatum(clock_now()), Int64GetDatum(run_id), CStringGetTextDatum(task)};
	uint64 count = etl_spi_execute(&find, SPI_OK_SELECT, values, NULL);

	if (count == 0)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("task \"%s\" of run " INT64_FORMAT " does not wait for a token", task, run_id),
				errhint("SELECT task, waiting_for FROM etl.task_status WHERE run_id = " INT64_FORMAT ";", run_id));
	if (count > 1)
		ereport(ERROR, errcode(ERRCODE_CARDINALITY_VIOLATION),
				errmsg("task \"%s\" of run " INT64_FORMAT " waits for more than one token", task, run_id),
				errdetail(UINT64_FORMAT " of its items do.", count),
				errhint("Complete them with their tokens."));
	return read_suspended(spi);
}

typedef struct Signal
{
	const char *kind;
	text *role;
	Datum output; /* 0: NULL */
	text *error;  /* these may be NULL */
	text *cause;
} Signal;

/*
 * As of now: while this transaction waited for another that had said something, the scheduler may have acted on that. From
 * the insertion on nobody else can say anything.
 */
static bool
still_waits(int64 task_run_id)
{
	static EtlSpiPlan look = {"SELECT FROM etl.suspended WHERE task_run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(task_run_id)};

	if (look.plan == NULL)
	{
		look.plan = SPI_prepare(look.sql, look.nargs, look.types);
		if (look.plan == NULL || SPI_keepplan(look.plan) != 0)
			elog(ERROR, "SPI answered %s to: %s", SPI_result_code_string(SPI_result), look.sql);
	}
	if (SPI_execute_snapshot(look.plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot, true, false, 1) !=
		SPI_OK_SELECT)
		elog(ERROR, "SPI refused: %s", look.sql);
	return SPI_processed > 0;
}

/* Inserted and nothing else: neither the step's executor nor whoever cancels the run ever waits for this transaction. */
static void
send(const Suspended *step, const Signal *signal)
{
	static EtlSpiPlan insert = {
		"INSERT INTO etl.signal (task_run_id, kind, role, output, error, cause)"
		" SELECT $1, $2, $3, $4, $5, $6"
		"  WHERE NOT EXISTS (SELECT FROM etl.signal WHERE task_run_id = $1 AND kind <> 'heartbeat')"
		" ON CONFLICT (task_run_id) WHERE kind <> 'heartbeat' DO NOTHING",
		6,
		{INT8OID, TEXTOID, TEXTOID, JSONBOID, TEXTOID, TEXTOID}};
	Datum values[] = {Int64GetDatum(step->task_run_id), CStringGetTextDatum(signal->kind),
					  PointerGetDatum(signal->role), signal->output,
					  PointerGetDatum(signal->error), PointerGetDatum(signal->cause)};
	char nulls[] = "      ";

	if (step->late)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the step of this task token has timed out"), errdetail("%s.", step->subject));
	for (int i = 3; i < lengthof(values); i++)
		nulls[i] = values[i] == (Datum) 0 ? 'n' : ' ';
	if (etl_spi_execute(&insert, SPI_OK_INSERT, values, nulls) == 0 || !still_waits(step->task_run_id))
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the step of this task token has been ended already"),
				errdetail("%s.", step->subject));
	wake_for_signal();
}

/* The caller, who is not who inserts the row. */
static text *
caller(void)
{
	return cstring_to_text(GetUserNameFromId(GetUserId(), false));
}

static text *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_NARGS() <= n || PG_ARGISNULL(n) ? NULL : PG_GETARG_TEXT_PP(n);
}

static void
send_by_token(FunctionCallInfo fcinfo, Signal signal)
{
	EtlSpiScope spi;
	Suspended step;

	if (PG_ARGISNULL(0))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("task token is NULL"));
	signal.role = caller();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	step = find_by_token(&spi, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	send(&step, &signal);
	etl_spi_close(&spi);
}

static void
send_by_task(FunctionCallInfo fcinfo, Signal signal)
{
	EtlSpiScope spi;
	Suspended step;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("run or task is NULL"));
	operate_check(PG_GETARG_INT64(0), "end a step of");
	signal.role = caller();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	step = find_by_task(&spi, PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	send(&step, &signal);
	etl_spi_close(&spi);
}

static Datum
output_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? (Datum) 0 : PG_GETARG_DATUM(n);
}

PG_FUNCTION_INFO_V1(pg_etl_complete_task);
Datum
pg_etl_complete_task(PG_FUNCTION_ARGS)
{
	send_by_token(fcinfo, (Signal){.kind = "succeeded", .output = output_argument(fcinfo, 1)});
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pg_etl_fail_task);
Datum
pg_etl_fail_task(PG_FUNCTION_ARGS)
{
	send_by_token(
		fcinfo,
		(Signal){.kind = "failed", .error = text_argument(fcinfo, 1), .cause = text_argument(fcinfo, 2)});
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pg_etl_heartbeat_task);
Datum
pg_etl_heartbeat_task(PG_FUNCTION_ARGS)
{
	send_by_token(fcinfo, (Signal){.kind = "heartbeat"});
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pg_etl_complete_step);
Datum
pg_etl_complete_step(PG_FUNCTION_ARGS)
{
	send_by_task(fcinfo, (Signal){.kind = "succeeded", .output = output_argument(fcinfo, 2)});
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pg_etl_fail_step);
Datum
pg_etl_fail_step(PG_FUNCTION_ARGS)
{
	send_by_task(
		fcinfo,
		(Signal){.kind = "failed", .error = text_argument(fcinfo, 2), .cause = text_argument(fcinfo, 3)});
	PG_RETURN_VOID();
}
