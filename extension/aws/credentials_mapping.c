/*
 * credentials_mapping.c
 *		The current user's mapping for the server, or the one for PUBLIC.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "aws/credentials_provider.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

static bool
mapping_exists(Oid user, Oid serverid)
{
	return SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(user), ObjectIdGetDatum(serverid));
}

EtlAwsCredentials *
credentials_mapping_get(const EtlAwsServer *server)
{
	EtlAwsCredentials *credentials = credentials_make(NULL, NULL);
	Oid user = GetUserId();
	ListCell *cell;

	if (!mapping_exists(user, server->serverid) && !mapping_exists(InvalidOid, server->serverid))
	{
		const char *name = quote_identifier(GetUserNameFromId(user, false));

		ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("no AWS credentials for role %s on server \"%s\"", name, server->name),
				errhint("CREATE USER MAPPING FOR %s SERVER %s OPTIONS (access_key_id '...', "
						"secret_access_key '...').",
						name, quote_identifier(server->name)));
	}
	foreach (cell, GetUserMapping(user, server->serverid)->options)
	{
		DefElem *option = lfirst_node(DefElem, cell);
		char *value = defGetString(option);

		if (strcmp(option->defname, "access_key_id") == 0)
			credentials->keys.access_key_id = value;
		else if (strcmp(option->defname, "secret_access_key") == 0)
			credentials->keys.secret_access_key = value;
		else if (strcmp(option->defname, "session_token") == 0)
			credentials->keys.session_token = value;
	}
	return credentials_identify(credentials);
}
