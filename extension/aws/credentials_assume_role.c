/*
 * credentials_assume_role.c
 *		Credentials of an IAM role, kept by the process while they are good.
 *
 * What is kept is found by a hash over everything that led to it, the secret key included: another role of the same
 * session that knows only half of the credentials doesn't get what the whole of them got.
 */
#include "postgres.h"

#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define CACHE_SIZE 16
#define SPARE_SECONDS 300 /* credentials this close to their end are not handed out any more */
#define MAX_CHAIN 10

typedef struct Kept
{
	char source[SIGV4_HEX_SIZE]; /* "": an empty place */
	EtlAwsCredentials credentials;
	TimestampTz expires_at;
} Kept;

static Kept cache[CACHE_SIZE];

static void
wipe(char *secret)
{
	if (secret != NULL)
	{
		explicit_bzero(secret, strlen(secret));
		pfree(secret);
	}
}

static void
forget(Kept *kept)
{
	wipe(kept->credentials.access_key_id);
	wipe(kept->credentials.secret_access_key);
	wipe(kept->credentials.session_token);
	memset(kept, 0, sizeof(*kept));
}

/* An unprintable separator: no part can hold it. */
static void
source_hash(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *role_arn,
			char hash[SIGV4_HEX_SIZE])
{
	EtlError error;
	char *source = psprintf("%u\n%d\n%s\n%s\n%s\n%s\n%s\n%s", server->serverid, server->trusted,
							server->region, server->endpoint != NULL ? server->endpoint : "",
							credentials->access_key_id, credentials->secret_access_key,
							credentials->session_token != NULL ? credentials->session_token : "", role_arn);
	bool ok = sigv4_sha256(source, strlen(source), hash, &error);

	wipe(source);
	if (!ok)
		etl_error_raise(&error);
}

static Kept *
cache_find(const char *source)
{
	TimestampTz needed = TimestampTzPlusMilliseconds(clock_now(), SPARE_SECONDS * INT64CONST(1000));

	for (int i = 0; i < CACHE_SIZE; i++)
	{
		if (cache[i].source[0] != '\0' && cache[i].expires_at <= needed)
			forget(&cache[i]);
		if (strcmp(cache[i].source, source) == 0)
			return &cache[i];
	}
	return NULL;
}

/* In an empty place, or in that of those which expire first. */
static void
cache_keep(const char *source, const EtlAwsCredentials *credentials, TimestampTz expires_at)
{
	EtlAwsCredentials copy;
	Kept *place = &cache[0];

	for (int i = 1; i < CACHE_SIZE && place->source[0] != '\0'; i++)
		if (cache[i].source[0] == '\0' || cache[i].expires_at < place->expires_at)
			place = &cache[i];
	copy.access_key_id = MemoryContextStrdup(TopMemoryContext, credentials->access_key_id);
	copy.secret_access_key = MemoryContextStrdup(TopMemoryContext, credentials->secret_access_key);
	copy.session_token = MemoryContextStrdup(TopMemoryContext, credentials->session_token);
	forget(place);
	place->credentials = copy;
	place->expires_at = expires_at;
	strlcpy(place->source, source, sizeof(place->source));
}

static EtlAwsCredentials *
copy_kept(const Kept *kept)
{
	EtlAwsCredentials *copy = palloc(sizeof(EtlAwsCredentials));

	copy->access_key_id = pstrdup(kept->credentials.access_key_id);
	copy->secret_access_key = pstrdup(kept->credentials.secret_access_key);
	copy->session_token = pstrdup(kept->credentials.session_token);
	return copy;
}

/* arn:aws:iam::123456789012:role/path/name */
static void
check_role_arn(const char *arn)
{
	const char *account = strstr(arn, ":iam::");
	const char *role = account != NULL ? account + strlen(":iam::") : NULL;

	if (strncmp(arn, "arn:aws", 7) == 0 && role != NULL && strspn(role, "0123456789") == 12 &&
		strncmp(role + 12, ":role/", 6) == 0 && role[18] != '\0' && strlen(arn) <= 2048 &&
		strspn(arn, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-:/") == strlen(arn))
		return;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid IAM role ARN \"%s\"", arn),
			errhint("It looks like arn:aws:iam::123456789012:role/name; a chain of roles is separated by "
					"commas, without "
					"blanks."));
}

static EtlAwsCredentials *
assume_one(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *role_arn)
{
	char source[SIGV4_HEX_SIZE];
	TimestampTz expires_at;
	EtlAwsCredentials *temporary;
	Kept *kept;

	check_role_arn(role_arn);
	source_hash(server, credentials, role_arn, source);
	kept = cache_find(source);
	if (kept != NULL)
		return copy_kept(kept);
	temporary = sts_assume_role(server, credentials, role_arn, &expires_at);
	cache_keep(source, temporary, expires_at);
	return temporary;
}

EtlAwsCredentials *
aws_credentials_assume_role(const EtlAwsServer *server, const char *role_arn)
{
	EtlAwsCredentials *credentials;
	char *rest = pstrdup(role_arn);
	char *arn;
	int roles = 0;

	if (server->mode == ETL_AWS_MODE_LOCAL)
		return palloc0(sizeof(EtlAwsCredentials)); /* folders ask for none */
	credentials = aws_credentials_get(server);
	while ((arn = strsep(&rest, ",")) != NULL)
	{
		if (++roles > MAX_CHAIN)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many IAM roles in a chain"),
					errdetail("At most %d may be chained.", MAX_CHAIN));
		credentials = assume_one(server, credentials, arn);
	}
	return credentials;
}
