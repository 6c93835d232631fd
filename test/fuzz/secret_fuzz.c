/*
 * secret_fuzz.c
 *		Whatever Secrets Manager answers, and whatever is in a warehouse's secret: text and what it takes to connect, or a
 *		refusal that quotes nothing of it and leaves nothing behind.
 */
#include "aws/secret_answer.h"
#include "mb/pg_wchar.h"
#include "remote/secret_value.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* What it says is one of our own sentences. */
static void
check_refusal(const EtlError *error, const char *const *messages, int count)
{
	for (int i = 0; i < count; i++)
		if (strncmp(error->message, messages[i], strlen(messages[i])) == 0)
			return;
	abort();
}

static void
read_answer(const char *json, size_t size)
{
	static const char *const messages[] = {"could not use secret \"id\": it is not text",
										   "could not get secret \"id\": unexpected answer"};
	char *value = NULL;
	EtlError error = {0};
	int length;

	if (!secret_answer_parse(json, size, "id", &value, &error))
	{
		check_refusal(&error, messages, lengthof(messages));
		if (error.sqlstate == 0 || value != NULL || strlen(error.detail) > 80)
			abort();
		return;
	}
	length = (int) strlen(value);
	if (length > size || pg_encoding_verifymbstr(PG_UTF8, value, length) != length)
		abort();
}

static void
check_text(const char *text, size_t most)
{
	if (text == NULL || *text == '\0' || strlen(text) > most)
		abort();
}

static void
read_warehouse(const char *json, size_t size, bool with_dbname)
{
	static const char *const messages[] = {
		"secret \"id\" is not a JSON object", "secret \"id\" has no key ",
		"key \"host\" of secret \"id\" ",	  "key \"port\" of secret \"id\" ",
		"key \"username\" of secret \"id\" ", "key \"user\" of secret \"id\" ",
		"key \"password\" of secret \"id\" ", "key \"dbname\" of secret \"id\" ",
		"key \"database\" of secret \"id\" "};
	EtlWarehouseSecret secret = {NULL};
	EtlError error = {0};

	if (!warehouse_secret_parse(json, size, "id", with_dbname, &secret, &error))
	{
		check_refusal(&error, messages, lengthof(messages));
		if (error.sqlstate != ERRCODE_INVALID_PARAMETER_VALUE || error.detail[0] != '\0' ||
			secret.host != NULL || secret.password != NULL)
			abort();
		return;
	}
	check_text(secret.host, size);
	check_text(secret.user, size);
	check_text(secret.password, size);
	if (!warehouse_port_valid(secret.port) || (secret.dbname != NULL) != with_dbname)
		abort();
	if (with_dbname)
		check_text(secret.dbname, size);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char *text = palloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	read_answer(text, size);
	read_warehouse(text, size, true);
	read_warehouse(text, size, false);
	run_memory_free();
	return 0;
}
