/*
 * secret_value.c
 *		Reading a warehouse's secret. See secret_value.h.
 *
 * json-c parses it, because an error of PostgreSQL's own JSON parser quotes the text. Nothing is allocated from PostgreSQL while
 * json-c holds memory, and what it holds of the password is wiped before it is freed.
 */
#include "remote/secret_value.h"

#include "aws/json.h"

#define JSON_DEPTH 32
#define NUMBER_SIZE 24 /* an integer of 64 bits as text, and its NUL */

typedef enum Fault
{
	FAULT_NONE,
	FAULT_NO_MEMORY,
	FAULT_NO_OBJECT,
	FAULT_MISSING,
	FAULT_KIND, /* neither a string nor a number */
	FAULT_ZERO	/* a string with a byte 0 in it, which would be cut there */
} Fault;

typedef enum Key
{
	KEY_HOST,
	KEY_PORT,
	KEY_USER,
	KEY_PASSWORD,
	KEY_DBNAME,
	KEYS
} Key;

/* What it is called in secrets of Redshift's, and in those of others. */
static const struct
{
	const char *name;
	const char *other;
} keys[KEYS] = {
	{"host", NULL}, {"port", NULL}, {"username", "user"}, {"password", NULL}, {"dbname", "database"}};

typedef struct Values
{
	char *room; /* what follows the last one; there is enough for all */
	char *of[KEYS];
	const char *wrong; /* the key that has the fault */
} Values;

/* The key's value, unless there is none or it is empty: those are FAULT_MISSING. */
static Fault
take_named(json_object *object, const char *name, char **value, Values *values)
{
	json_object *member;
	size_t length;

	values->wrong = name;
	if (!json_object_object_get_ex(object, name, &member) || member == NULL)
		return FAULT_MISSING;
	if (json_object_is_type(member, json_type_int))
		length = snprintf(values->room, NUMBER_SIZE, INT64_FORMAT, (int64) json_object_get_int64(member));
	else if (!json_object_is_type(member, json_type_string))
		return FAULT_KIND;
	else
	{
		length = json_object_get_string_len(member);
		memcpy(values->room, json_object_get_string(member), length + 1);
		if (strlen(values->room) != length)
			return FAULT_ZERO;
	}
	if (length == 0)
		return FAULT_MISSING;
	*value = values->room;
	values->room += length + 1;
	return FAULT_NONE;
}

static Fault
take(json_object *object, Key key, Values *values)
{
	Fault fault = take_named(object, keys[key].name, &values->of[key], values);

	if (fault == FAULT_MISSING && keys[key].other != NULL)
		fault = take_named(object, keys[key].other, &values->of[key], values);
	if (fault == FAULT_MISSING)
		values->wrong = keys[key].name;
	return fault;
}

static Fault
take_all(const char *json, size_t size, bool with_dbname, Values *values)
{
	bool no_memory;
	json_object *object = aws_json_parse(json, size, JSON_DEPTH, &no_memory);
	json_object *password;
	Fault fault = no_memory ? FAULT_NO_MEMORY : FAULT_NONE;

	if (fault == FAULT_NONE && !json_object_is_type(object, json_type_object))
		fault = FAULT_NO_OBJECT;
	for (Key key = KEY_HOST; key < KEYS && fault == FAULT_NONE; key++)
		if (key != KEY_DBNAME || with_dbname)
			fault = take(object, key, values);
	if (json_object_is_type(object, json_type_object) &&
		json_object_object_get_ex(object, keys[KEY_PASSWORD].name, &password) &&
		json_object_is_type(password, json_type_string))
		explicit_bzero(unconstify(char *, json_object_get_string(password)),
					   json_object_get_string_len(password));
	json_object_put(object);
	return fault;
}

static bool
refused(const char *secret_id, const Values *values, Fault fault, EtlError *error)
{
	static const char hint[] =
		"A warehouse's secret is a JSON object with host, port, username, password and, if "
		"need be, dbname.";

	switch (fault)
	{
		case FAULT_NONE:
			break;
		case FAULT_NO_MEMORY:
			etl_error_set(error, ERRCODE_OUT_OF_MEMORY, "out of memory");
			etl_error_detail(error, "Failed while reading secret \"%s\".", secret_id);
			break;
		case FAULT_NO_OBJECT:
			etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "secret \"%s\" is not a JSON object",
						  secret_id);
			etl_error_hint(error, "%s", hint);
			break;
		case FAULT_MISSING:
			etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "secret \"%s\" has no key \"%s\"",
						  secret_id, values->wrong);
			etl_error_hint(error, "%s", hint);
			break;
		case FAULT_KIND:
			etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE,
						  "key \"%s\" of secret \"%s\" is neither a string nor a number", values->wrong,
						  secret_id);
			break;
		case FAULT_ZERO:
			etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "key \"%s\" of secret \"%s\" holds \\u0000",
						  values->wrong, secret_id);
			break;
	}
	return false;
}

bool
warehouse_port_valid(const char *port)
{
	size_t digits = strspn(port, "0123456789");
	int number = digits > 0 && digits <= 5 && port[digits] == '\0' ? atoi(port) : 0;

	return number >= 1 && number <= 65535;
}

static char *
copy(const Values *values, Key key)
{
	return values->of[key] != NULL ? pstrdup(values->of[key]) : NULL;
}

bool
warehouse_secret_parse(const char *json, size_t size, const char *secret_id, bool with_dbname,
					   EtlWarehouseSecret *out, EtlError *error)
{
	size_t room = size + KEYS * NUMBER_SIZE;
	char *texts = palloc0(room);
	Values values = {.room = texts};
	Fault fault = take_all(json, size, with_dbname, &values);
	bool good = false;

	if (fault != FAULT_NONE)
		refused(secret_id, &values, fault, error);
	else if (!warehouse_port_valid(values.of[KEY_PORT]))
		etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE,
					  "key \"port\" of secret \"%s\" is not a port number", secret_id);
	else if (strchr(values.of[KEY_HOST], ',') != NULL)
		etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "key \"host\" of secret \"%s\" is not one host",
					  secret_id);
	else
	{
		*out = (EtlWarehouseSecret){.host = copy(&values, KEY_HOST),
									.port = copy(&values, KEY_PORT),
									.user = copy(&values, KEY_USER),
									.password = copy(&values, KEY_PASSWORD),
									.dbname = copy(&values, KEY_DBNAME)};
		good = true;
	}
	explicit_bzero(texts, room);
	pfree(texts);
	return good;
}
