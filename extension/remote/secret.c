/*
 * secret.c
 *		A warehouse described by a Secrets Manager secret: the JSON object that Amazon Redshift's own secrets are.
 *
 *		{"host": "…", "port": 5439, "username": "…", "password": "…", "dbname": "dev", "engine": "redshift"}
 *
 * Errors name the secret and the key that is wrong, never a value. json-c parses it, because an error of PostgreSQL's
 * own JSON parser quotes the text.
 */
#include "postgres.h"

#include "aws/json.h"
#include "aws/secrets.h"
#include "base/handle.h"
#include "remote/target.h"

#define JSON_DEPTH 32

static void
secret_free(void *handle)
{
	json_object *secret = handle;
	json_object *password;

	if (json_object_object_get_ex(secret, "password", &password) &&
		json_object_get_type(password) == json_type_string)
		explicit_bzero((char *) json_object_get_string(password), json_object_get_string_len(password));
	json_object_put(secret);
}

EtlSecretRun *
warehouse_secret_start(const EtlWarehouseTarget *target)
{
	return secrets_value_start(aws_server_get(target->aws_server), target->secret_id);
}

/* The key's value as text, or NULL when it isn't there. */
static char *
secret_key(json_object *secret, const char *secret_id, const char *key)
{
	json_object *value;
	const char *text;

	if (!json_object_object_get_ex(secret, key, &value) || value == NULL)
		return NULL;
	if (!json_object_is_type(value, json_type_string) && !json_object_is_type(value, json_type_int))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("key \"%s\" of secret \"%s\" is neither a string nor a number", key, secret_id));
	text = json_object_get_string(value);
	return text[0] == '\0' ? NULL : pstrdup(text);
}

static char *
secret_key_needed(json_object *secret, const char *secret_id, const char *key, const char *other_key)
{
	char *value = secret_key(secret, secret_id, key);

	if (value == NULL && other_key != NULL)
		value = secret_key(secret, secret_id, other_key);
	if (value == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("secret \"%s\" has no key \"%s\"", secret_id, key),
				errhint("A warehouse's secret is a JSON object with host, port, username, password and, if "
						"need be, dbname."));
	return value;
}

bool
warehouse_secret_poll(EtlSecretRun *run, EtlWarehouseTarget *target, EtlWait *wait)
{
	const char *id = target->secret_id;
	char *text = secrets_value_poll(run, wait);
	EtlHandle *owner;
	json_object *secret;
	bool no_memory;

	if (text == NULL)
		return false;
	owner = etl_handle_reserve(CurrentMemoryContext, secret_free);
	secret = aws_json_parse(text, strlen(text), JSON_DEPTH, &no_memory);
	owner->handle = secret;
	explicit_bzero(text, strlen(text));
	if (no_memory)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
				errdetail("Failed while reading secret \"%s\".", id));
	if (!json_object_is_type(secret, json_type_object))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("secret \"%s\" is not a JSON object", id),
				errhint("A warehouse's secret is a JSON object with host, port, username, password and, if need "
						"be, dbname."));
	target->host = secret_key_needed(secret, id, "host", NULL);
	target->port = secret_key_needed(secret, id, "port", NULL);
	target->user = secret_key_needed(secret, id, "username", "user");
	target->password = secret_key_needed(secret, id, "password", NULL);
	if (target->dbname_of_secret)
		target->dbname = secret_key_needed(secret, id, "dbname", "database");
	if (!warehouse_port_valid(target->port))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("key \"port\" of secret \"%s\" is not a port number", id));
	if (strchr(target->host, ',') != NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("key \"host\" of secret \"%s\" is not one host", id));
	etl_handle_close(owner);
	return true;
}
