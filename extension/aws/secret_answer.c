/*
 * secret_answer.c
 *		The JSON around a secret. See secret_answer.h.
 */
#include "aws/secret_answer.h"

#include "aws/json.h"
#include "common/base64.h"
#include "mb/pg_wchar.h"

#define JSON_DEPTH 8

typedef enum Outcome
{
	FOUND,
	NO_MEMORY,
	NOT_JSON,
	NO_VALUE,
	NOT_BASE64,
	NOT_TEXT
} Outcome;

static const char *
member(json_object *object, const char *name, size_t *length)
{
	json_object *value;

	if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_string))
		return NULL;
	*length = json_object_get_string_len(value);
	return json_object_get_string(value);
}

/* Into `value`, which has room for as much as the whole answer. */
static Outcome
extract(json_object *object, char *value, size_t size)
{
	const char *text;
	size_t length;

	if (!json_object_is_type(object, json_type_object))
		return NOT_JSON;
	if ((text = member(object, "SecretString", &length)) != NULL)
		memcpy(value, text, length);
	else if ((text = member(object, "SecretBinary", &length)) != NULL)
	{
		int n = pg_b64_decode(text, (int) length, (void *) value, (int) size);

		if (n < 0)
			return NOT_BASE64;
		length = n;
	}
	else
		return NO_VALUE;
	value[length] = '\0';
	if (strlen(value) != length || pg_encoding_verifymbstr(PG_UTF8, value, (int) length) != (int) length)
		return NOT_TEXT;
	return FOUND;
}

bool
secret_answer_parse(const char *json, size_t size, const char *secret_id, char **value, EtlError *error)
{
	/* No string in it is longer than the answer itself; nothing is allocated while json-c holds memory. */
	char *room = palloc(size + 1);
	bool no_memory;
	json_object *object = aws_json_parse(json, size, JSON_DEPTH, &no_memory);
	Outcome outcome = no_memory ? NO_MEMORY : extract(object, room, size);

	json_object_put(object);
	if (outcome == FOUND)
	{
		*value = room;
		return true;
	}
	explicit_bzero(room, size + 1);
	pfree(room);
	if (outcome == NO_MEMORY)
		return etl_error_set(error, ERRCODE_OUT_OF_MEMORY, "out of memory");
	if (outcome == NOT_TEXT)
	{
		etl_error_set(error, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
					  "could not use secret \"%s\": it is not text", secret_id);
		etl_error_hint(error, "Store it as a string, or as the base64 of UTF-8 text.");
		return false;
	}
	etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "could not get secret \"%s\": unexpected answer",
				  secret_id);
	etl_error_detail(error, "%s",
					 outcome == NOT_JSON   ? "The answer is not a JSON object."
					 : outcome == NO_VALUE ? "The answer has neither SecretString nor SecretBinary."
										   : "SecretBinary is not base64.");
	return false;
}
