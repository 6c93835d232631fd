/*
 * credentials_answer.c
 *		Reading the keys out of an answer. See credentials_answer.h.
 *
 * What json-c holds of them is wiped before it is freed.
 */
#include "aws/credentials_answer.h"

#include "aws/json.h"
#include "net/date.h"

#define JSON_DEPTH 4
#define MAX_TEXT_SIZE (16 * 1024)

/* A member that is text, in `out`, as a header could hold it. False: there is none such. */
static bool
member(json_object *object, const char *name, char *out, size_t size)
{
	json_object *value;
	size_t length;

	out[0] = '\0';
	if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_string))
		return false;
	length = json_object_get_string_len(value);
	if (length == 0 || length >= size)
		return false;
	memcpy(out, json_object_get_string(value), length + 1);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char) out[i] < 0x20 || (unsigned char) out[i] >= 0x7F)
		{
			explicit_bzero(out, length);
			return false;
		}
	return true;
}

static void
wipe_member(json_object *object, const char *name)
{
	json_object *value;

	if (json_object_object_get_ex(object, name, &value) && json_object_is_type(value, json_type_string))
		explicit_bzero(unconstify(char *, json_object_get_string(value)), json_object_get_string_len(value));
}

/* What an answer may hold; nothing is allocated from PostgreSQL while json-c holds memory. */
typedef struct Parts
{
	bool no_memory;
	bool is_object;
	bool has_id;
	bool has_secret;
	bool has_token;
	bool has_expiration;
	char id[256];
	char secret[256];
	char token[MAX_TEXT_SIZE];
	char expiration[64];
	char code[128];
	char message[512];
} Parts;

static void
extract(const char *json, size_t size, Parts *parts)
{
	json_object *object = aws_json_parse(json, size, JSON_DEPTH, &parts->no_memory);

	parts->is_object = json_object_is_type(object, json_type_object);
	if (parts->is_object)
	{
		parts->has_id = member(object, "AccessKeyId", parts->id, sizeof(parts->id));
		parts->has_secret = member(object, "SecretAccessKey", parts->secret, sizeof(parts->secret));
		parts->has_token = member(object, "Token", parts->token, sizeof(parts->token));
		parts->has_expiration = member(object, "Expiration", parts->expiration, sizeof(parts->expiration));
		if (!member(object, "Code", parts->code, sizeof(parts->code)))
			(void) member(object, "code", parts->code, sizeof(parts->code));
		if (!member(object, "Message", parts->message, sizeof(parts->message)))
			(void) member(object, "message", parts->message, sizeof(parts->message));
		wipe_member(object, "SecretAccessKey");
		wipe_member(object, "Token");
	}
	json_object_put(object);
}

static bool
parts_check(const Parts *parts, int64 *expires_at, EtlError *error)
{
	int64 expiration = 0;

	if (parts->no_memory)
		return etl_error_set(error, ERRCODE_OUT_OF_MEMORY, "out of memory");
	if (parts->code[0] != '\0' && strcmp(parts->code, "Success") != 0)
	{
		size_t length = strlen(parts->message);

		if (length > 0 && parts->message[length - 1] == '.')
			length--;
		etl_error_set(error, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "it has none");
		etl_error_detail(error, "It said %s%s%.*s.", parts->code, length > 0 ? ": " : "", (int) length,
						 parts->message);
		return false;
	}
	etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "unexpected answer");
	if (!parts->is_object)
		etl_error_detail(error, "The answer is not a JSON object.");
	else if (!parts->has_id || !parts->has_secret)
		etl_error_detail(error, "The answer has no %s.", parts->has_id ? "SecretAccessKey" : "AccessKeyId");
	else if (parts->has_expiration && !date_parse_iso(parts->expiration, &expiration))
		etl_error_detail(error, "Its Expiration is not a time.");
	else
	{
		*expires_at = expiration;
		return true;
	}
	return false;
}

bool
credentials_answer_parse(const char *json, size_t size, EtlAwsKeys *keys, int64 *expires_at, EtlError *error)
{
	Parts *parts = palloc0(sizeof(Parts));
	bool good;

	extract(json, size, parts);
	good = parts_check(parts, expires_at, error);
	if (good)
	{
		memset(error, 0, sizeof(*error));
		keys->access_key_id = pstrdup(parts->id);
		keys->secret_access_key = pstrdup(parts->secret);
		keys->session_token = parts->has_token ? pstrdup(parts->token) : NULL;
	}
	explicit_bzero(parts, sizeof(*parts));
	pfree(parts);
	return good;
}

bool
credentials_line_parse(const char *text, size_t size, const char *what, char **line, EtlError *error)
{
	size_t length = 0;
	bool good = true;

	for (; length < size && text[length] != '\r' && text[length] != '\n'; length++)
		good = good && text[length] > 0x20 && text[length] < 0x7F;
	if (good && length > 0 && length <= MAX_TEXT_SIZE)
	{
		*line = pnstrdup(text, length);
		return true;
	}
	etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "unexpected answer");
	etl_error_detail(error, "It has no %s.", what);
	return false;
}
