/*
 * credentials.c
 *		Who signs: asks the provider that a server's options choose. See credentials.h.
 */
#include "postgres.h"

#include "aws/credentials_provider.h"
#include "lib/stringinfo.h"
#include "net/http.h"
#include "utils/memutils.h"

#define MAX_CHAIN 10
#define ROLE_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-:/"

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

EtlAwsCredentials *
credentials_make(const EtlAwsServer *server, const EtlAwsProvider *provider)
{
	EtlAwsCredentials *credentials = palloc0(sizeof(EtlAwsCredentials));

	credentials->provider = provider;
	credentials->server = server != NULL ? aws_server_copy(server) : NULL;
	return credentials;
}

/* The length goes first, so that no two lists of parts make the same text. */
static void
add_part(StringInfo text, const char *part)
{
	if (part == NULL)
		appendStringInfoChar(text, '-');
	else
		appendStringInfo(text, "%zu:%s", strlen(part), part);
}

EtlAwsCredentials *
credentials_identify(EtlAwsCredentials *credentials)
{
	const EtlAwsServer *server = credentials->server;
	const char *parts[] = {credentials->provider != NULL ? credentials->provider->name : NULL,
						   credentials->keys.access_key_id,
						   credentials->keys.secret_access_key,
						   credentials->keys.session_token,
						   credentials->source != NULL ? credentials->source->id : NULL,
						   credentials->role_arn,
						   credentials->external_id,
						   credentials->session_name,
						   credentials->place,
						   credentials->token,
						   credentials->token_file,
						   server != NULL ? server->region : NULL,
						   server != NULL ? server->endpoint : NULL};
	StringInfoData text;
	EtlError error;
	bool ok;

	initStringInfo(&text);
	/* Keys are who they are whatever server they are for; what is fetched depends on where. */
	if (server != NULL)
		appendStringInfo(&text, "%u %d %d %d", server->serverid, server->trusted, server->use_fips,
						 server->use_dualstack);
	for (int i = 0; i < lengthof(parts); i++)
		add_part(&text, parts[i]);
	ok = sigv4_sha256(text.data, text.len, credentials->id, &error);
	explicit_bzero(text.data, text.maxlen);
	pfree(text.data);
	if (!ok)
		etl_error_raise(&error);
	return credentials;
}

EtlAwsCredentials *
aws_credentials_copy(const EtlAwsCredentials *credentials)
{
	EtlAwsCredentials *copy = palloc(sizeof(EtlAwsCredentials));

	*copy = *credentials;
	copy->keys = aws_keys_copy(&credentials->keys);
	copy->origin = copy_text(credentials->origin);
	copy->server = credentials->server != NULL ? aws_server_copy(credentials->server) : NULL;
	copy->source = credentials->source != NULL ? aws_credentials_copy(credentials->source) : NULL;
	copy->role_arn = copy_text(credentials->role_arn);
	copy->external_id = copy_text(credentials->external_id);
	copy->session_name = copy_text(credentials->session_name);
	copy->place = copy_text(credentials->place);
	copy->token = copy_text(credentials->token);
	copy->token_file = copy_text(credentials->token_file);
	return copy;
}

void
credentials_wipe(EtlAwsCredentials *credentials)
{
	aws_keys_wipe(&credentials->keys);
	explicit_bzero(&credentials->signing_key, sizeof(credentials->signing_key));
	if (credentials->token != NULL)
		explicit_bzero(credentials->token, strlen(credentials->token));
	if (credentials->source != NULL)
		credentials_wipe(credentials->source);
}

EtlAwsCredentials *
aws_credentials_static(const EtlAwsKeys *keys)
{
	EtlAwsCredentials *credentials = credentials_make(NULL, NULL);

	credentials->keys = aws_keys_copy(keys);
	credentials->origin = pstrdup("the statement");
	return credentials_identify(credentials);
}

EtlAwsCredentials *
aws_credentials_nobody(const char *origin)
{
	EtlAwsCredentials *credentials = credentials_make(NULL, NULL);

	credentials->origin = pstrdup(origin);
	return credentials_identify(credentials);
}

/* ---- what a server's options choose ---- */

/* arn:aws:iam::123456789012:role/path/name */
static bool
is_role_arn(const char *arn)
{
	const char *account = strstr(arn, ":iam::");
	const char *role = account != NULL ? account + strlen(":iam::") : NULL;

	return strncmp(arn, "arn:aws", 7) == 0 && role != NULL && strspn(role, "0123456789") == 12 &&
		   strncmp(role + 12, ":role/", 6) == 0 && role[18] != '\0' && strlen(arn) <= 2048 &&
		   strspn(arn, ROLE_CHARACTERS) == strlen(arn);
}

void
aws_credentials_roles_check(const char *role_arn)
{
	char *rest = pstrdup(role_arn);
	char *arn;
	int roles = 0;

	while ((arn = strsep(&rest, ",")) != NULL)
	{
		if (!is_role_arn(arn))
			ereport(
				ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid IAM role ARN \"%s\"", arn),
				errhint("It looks like arn:aws:iam::123456789012:role/name; a chain of roles is separated by "
						"commas, without blanks."));
		if (++roles > MAX_CHAIN)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many IAM roles in a chain"),
					errdetail("At most %d may be chained.", MAX_CHAIN));
	}
}

static EtlAwsCredentials *
assume_chain(const EtlAwsServer *server, EtlAwsCredentials *credentials, const char *role_arn,
			 const char *external_id)
{
	char *rest = pstrdup(role_arn);
	char *arn;

	aws_credentials_roles_check(role_arn);
	while ((arn = strsep(&rest, ",")) != NULL)
		credentials = credentials_role_make(server, credentials, arn, external_id, server->role_session_name);
	return credentials;
}

/* The machine's own keys are for who owns the machine. The owner may have changed since the option was set. */
static void
check_trusted(const EtlAwsServer *server)
{
	if (server->trusted)
		return;
	ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("AWS server \"%s\" may not use credentials of the database server", server->name),
			errdetail("Its owner is not a superuser."),
			errhint("Make a superuser its owner, or set its option credentials to 'user_mapping'."));
}

static EtlAwsCredentials *
provider_get(const EtlAwsServer *server)
{
	if (server->credentials != ETL_AWS_CREDENTIALS_USER_MAPPING)
		check_trusted(server);
	switch (server->credentials)
	{
		case ETL_AWS_CREDENTIALS_USER_MAPPING:
			break;
		case ETL_AWS_CREDENTIALS_ENVIRONMENT:
			return credentials_environment_get(server);
		case ETL_AWS_CREDENTIALS_PROFILE:
			return credentials_profile_get(server);
		case ETL_AWS_CREDENTIALS_WEB_IDENTITY:
			return credentials_web_identity_get(server);
		case ETL_AWS_CREDENTIALS_CONTAINER:
			return credentials_container_get(server);
		case ETL_AWS_CREDENTIALS_INSTANCE:
			return credentials_instance_get(server);
	}
	return credentials_mapping_get(server);
}

EtlAwsCredentials *
aws_credentials_get(const EtlAwsServer *server)
{
	EtlAwsCredentials *credentials = provider_get(server);

	if (server->role_arn != NULL)
		credentials = assume_chain(server, credentials, server->role_arn, server->external_id);
	return credentials;
}

/*
 * Whoever may use the server names the role. The server's external id stays out of it: it would open to him every role
 * that trusts it.
 */
EtlAwsCredentials *
aws_credentials_assume_role(const EtlAwsServer *server, const char *role_arn)
{
	if (server->mode == ETL_AWS_MODE_LOCAL)
		return NULL;
	return assume_chain(server, aws_credentials_get(server), role_arn, NULL);
}

/* ---- keys ---- */

bool
aws_credentials_poll(const EtlAwsCredentials *credentials, EtlAwsKeys *keys, EtlWait *wait)
{
	const EtlAwsProvider *provider = credentials->provider;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	EtlAwsCredentials *now;
	bool there;

	*wait = ETL_WAIT_NONE;
	if (provider == NULL)
	{
		*keys = aws_keys_copy(&credentials->keys);
		return true;
	}
	if (provider->resolve == NULL)
		return credentials_cache_poll(credentials, keys, wait);
	context = AllocSetContextCreate(caller, "pg_etl credentials", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(context);
	now = provider->resolve(credentials);
	MemoryContextSwitchTo(caller);
	there = aws_credentials_poll(now, keys, wait);
	credentials_wipe(now);
	MemoryContextDelete(context);
	return there;
}

void
aws_credentials_wait(const EtlAwsCredentials *credentials, EtlAwsKeys *keys)
{
	EtlWait wait;

	while (!aws_credentials_poll(credentials, keys, &wait))
		http_wait(&wait);
}

bool
aws_credentials_refused(const EtlAwsCredentials *credentials, const char *access_key_id)
{
	if (credentials->provider == NULL)
		return false;
	if (credentials->provider->resolve != NULL)
		(void) aws_credentials_refused(credentials->provider->resolve(credentials), access_key_id);
	else
		credentials_cache_forget(credentials, access_key_id);
	return true;
}

EtlSigv4Key *
aws_credentials_signing_key(const EtlAwsCredentials *credentials)
{
	return &unconstify(EtlAwsCredentials *, credentials)->signing_key;
}

const char *
aws_credentials_origin(const EtlAwsCredentials *credentials)
{
	return credentials->origin;
}

const char *
aws_credentials_id(const EtlAwsCredentials *credentials)
{
	return credentials->id;
}
