/*
 * secrets.c
 *		GetSecretValue, and its stand-in for local mode. See secrets.h.
 *
 * No value is ever put into an error; buffers that held one are wiped.
 */
#include "postgres.h"

#include "aws/call.h"
#include "aws/request.h"
#include "aws/secret_answer.h"
#include "aws/secret_cache.h"
#include "aws/secrets.h"
#include "aws/sigv4.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define MAX_ID_SIZE 2048

/*
 * The row is read with the extension owner's rights, who may be beyond row security; so its rule is checked here. To
 * everybody else a secret of another's looks like none at all.
 */
static char *
local_secret_get(const char *secret_id)
{
	Oid types[] = {TEXTOID, OIDOID};
	Datum values[] = {CStringGetTextDatum(secret_id), ObjectIdGetDatum(GetUserId())};
	EtlTransaction transaction;
	EtlSpiScope spi;
	char *value = NULL;

	etl_transaction_enter(&transaction);
	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (etl_spi_run(
			"SELECT value FROM etl.local_secret WHERE secret_id = $1 AND pg_has_role($2, owner, 'USAGE')",
			SPI_OK_SELECT, lengthof(types), types, values, NULL) > 0)
		value = etl_spi_text(&spi, 0, 1);
	etl_spi_close(&spi);
	etl_transaction_leave(&transaction);
	if (value == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("could not get secret \"%s\": it does not exist", secret_id),
				errdetail("Table etl.local_secret has no such row that role \"%s\" may read.",
						  GetUserNameFromId(GetUserId(), false)),
				errhint("INSERT INTO etl.local_secret (secret_id, value) VALUES (%s, '...').",
						quote_literal_cstr(secret_id)));
	return value;
}

struct EtlSecretRun
{
	char *secret_id;
	const EtlAwsServer *server;
	const EtlAwsCredentials *credentials; /* NULL: local mode, where nothing is waited for */
	EtlAwsCallRun *call;
	char *value;
	char kept_as[SIGV4_HEX_SIZE]; /* in the cache */
	bool was_kept;				  /* the value comes from there */
	char hash[SIGV4_HEX_SIZE];	  /* of the value */
	bool changed;
};

static void
hash_text(const char *text, char hash[SIGV4_HEX_SIZE])
{
	EtlError error;

	if (!sigv4_sha256(text, strlen(text), hash, &error))
		etl_error_raise(&error);
}

/* There is a value: is it another one than before? */
static void
take_value(EtlSecretRun *run, char *value)
{
	char before[SIGV4_HEX_SIZE];

	memcpy(before, run->hash, sizeof(before));
	hash_text(value, run->hash);
	run->changed = strcmp(before, run->hash) != 0;
	run->value = value;
}

static void
call_start(EtlSecretRun *run)
{
	EtlAwsCall call = {.server = run->server,
					   .credentials = run->credentials,
					   .service = "secretsmanager",
					   .action = "GetSecretValue",
					   .doing = "get secret",
					   .object = run->secret_id};
	StringInfoData input;

	initStringInfo(&input);
	appendStringInfoString(&input, "{\"SecretId\":");
	escape_json(&input, aws_text_to_utf8(run->secret_id));
	appendStringInfoChar(&input, '}');
	run->call = aws_call_json_start(&call, input.data);
}

EtlSecretRun *
secrets_value_start(const EtlAwsServer *server, const char *secret_id)
{
	EtlSecretRun *run = palloc0(sizeof(EtlSecretRun));
	char *kept;

	run->secret_id = pstrdup(secret_id);
	run->server = server;
	aws_text_check("the id of a secret", secret_id);
	if (*secret_id == '\0' || strlen(secret_id) > MAX_ID_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid length of a secret's id"),
				errdetail("It has %zu bytes, and may have 1 to %d.", strlen(secret_id), MAX_ID_SIZE));
	if (server->mode == ETL_AWS_MODE_LOCAL)
	{
		take_value(run, local_secret_get(secret_id));
		return run;
	}
	run->credentials = aws_credentials_get(server);
	hash_text(psprintf("%u\n%d\n%s\n%s\n%s\n%s", server->serverid, server->trusted, server->region,
					   server->endpoint != NULL ? server->endpoint : "", aws_credentials_id(run->credentials),
					   secret_id),
			  run->kept_as);
	kept = secret_cache_get(run->kept_as);
	run->was_kept = kept != NULL;
	if (run->was_kept)
		take_value(run, kept);
	else
		call_start(run);
	return run;
}

static char *
take_answer(EtlSecretRun *run)
{
	StringInfo answer = aws_call_answer(run->call);
	char *value;
	char *converted;
	bool ok;
	EtlError error;

	ok = secret_answer_parse(answer->data, answer->len, run->secret_id, &value, &error);
	explicit_bzero(answer->data, answer->maxlen);
	if (!ok)
		etl_error_raise(&error);
	converted = aws_text_from_utf8(value);
	if (converted != value)
		explicit_bzero(value, strlen(value));
	return converted;
}

char *
secrets_value_poll(EtlSecretRun *run, EtlWait *wait)
{
	if (run->value == NULL && aws_call_poll(run->call, wait))
	{
		take_value(run, take_answer(run));
		secret_cache_keep(run->kept_as, run->value);
	}
	return run->value;
}

/* Others may have renewed it since it was taken. */
bool
secrets_value_renew(EtlSecretRun *run)
{
	char *kept;

	if (run->credentials == NULL)
		return false;
	kept = secret_cache_get(run->kept_as);
	if (kept != NULL)
	{
		char hash[SIGV4_HEX_SIZE];

		hash_text(kept, hash);
		if (run->was_kept && strcmp(hash, run->hash) != 0)
		{
			take_value(run, kept);
			return true;
		}
		explicit_bzero(kept, strlen(kept));
		secret_cache_forget(run->kept_as);
	}
	if (!run->was_kept)
		return false;
	run->was_kept = false;
	run->value = NULL;
	call_start(run);
	return true;
}

bool
secrets_value_changed(const EtlSecretRun *run)
{
	return run->changed;
}

char *
secrets_value_get(const EtlAwsServer *server, const char *secret_id)
{
	EtlSecretRun *run = secrets_value_start(server, secret_id);
	EtlWait wait;

	while (secrets_value_poll(run, &wait) == NULL)
		http_wait(&wait);
	return run->value;
}
