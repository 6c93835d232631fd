/*
 * secret.c
 *		A warehouse described by a Secrets Manager secret. See target.h; secret_value.h has what is in one.
 */
#include "postgres.h"

#include "aws/secrets.h"
#include "remote/secret_value.h"
#include "remote/target.h"

EtlSecretRun *
warehouse_secret_start(const EtlWarehouseTarget *target)
{
	return secrets_value_start(aws_server_get(target->aws_server), target->secret_id);
}

bool
warehouse_secret_poll(EtlSecretRun *run, EtlWarehouseTarget *target, EtlWait *wait)
{
	char *text = secrets_value_poll(run, wait);
	EtlWarehouseSecret secret;
	EtlError error;
	bool good;

	if (text == NULL)
		return false;
	good = warehouse_secret_parse(text, strlen(text), target->secret_id, target->dbname_of_secret, &secret, &error);
	explicit_bzero(text, strlen(text));
	if (!good)
		etl_error_raise(&error);
	target->host = secret.host;
	target->port = secret.port;
	target->user = secret.user;
	target->password = secret.password;
	if (target->dbname_of_secret)
		target->dbname = secret.dbname;
	return true;
}
