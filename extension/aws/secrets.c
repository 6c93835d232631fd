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
#include "aws/secrets.h"
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
	char *value; /* of local mode, where nothing is waited for */
	EtlAwsCallRun *call;
};

EtlSecretRun *
secrets_value_start(const EtlAwsServer *server, const char *secret_id)
{
	EtlAwsCall call = {server, NULL, "secretsmanager", "GetSecretValue", "get secret", secret_id};
	EtlSecretRun *run = palloc0(sizeof(EtlSecretRun));
	StringInfoData input;

	run->secret_id = pstrdup(secret_id);
	call.object = run->secret_id;
	aws_text_check("the id of a secret", secret_id);
	if (*secret_id == '\0' || strlen(secret_id) > MAX_ID_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid length of a secret's id"),
				errdetail("It has %zu bytes, and may have 1 to %d.", strlen(secret_id), MAX_ID_SIZE));
	if (server->mode == ETL_AWS_MODE_LOCAL)
	{
		run->value = local_secret_get(secret_id);
		return run;
	}
	initStringInfo(&input);
	appendStringInfoString(&input, "{\"SecretId\":");
	escape_json(&input, aws_text_to_utf8(secret_id));
	appendStringInfoChar(&input, '}');
	run->call = aws_call_json_start(&call, input.data);
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
		run->value = take_answer(run);
	return run->value;
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
