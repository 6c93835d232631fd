/*
 * access.c
 *		Opening the store as a statement says. See access.h.
 */
#include "postgres.h"

#include "store/access.h"

/* The region becomes part of a host name. */
static void
region_check(const char *region)
{
	size_t len = strlen(region);

	if (len == 0 || len > 32 || strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"%.64s\" is not the name of an AWS region", region));
}

EtlStore *
store_open_with(const EtlStoreAccess *access)
{
	EtlAwsServer *server = aws_server_get(access->server);
	const EtlAwsCredentials *credentials = access->credentials;
	EtlStore *store;

	if (access->region != NULL)
		region_check(access->region);
	if (server->mode == ETL_AWS_MODE_AWS && access->iam_role != NULL &&
		pg_strcasecmp(access->iam_role, "default") != 0)
		credentials = aws_credentials_assume_role(server, access->iam_role);
	store = store_open(server->name, credentials);
	if (credentials != access->credentials)
	{
		store->credentials_given = false;
		store->iam_role = access->iam_role;
	}
	if (access->region != NULL)
		store->server->region = pstrdup(access->region);
	return store;
}
