/*
 * credentials.c
 *		Asks the provider that a server's options choose. See credentials.h.
 */
#include "postgres.h"

#include "aws/credentials.h"

EtlAwsCredentials *
aws_credentials_get(const EtlAwsServer *server)
{
	if (server->credentials != NULL)
		return server->credentials;
	if (server->ambient)
		return credentials_environment_get(server);
	return credentials_mapping_get(server);
}
