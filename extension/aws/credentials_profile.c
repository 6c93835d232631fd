/*
 * credentials_profile.c
 *		A profile of the AWS command line's shared files: ~/.aws/credentials and ~/.aws/config of the operating
 *		system's user that PostgreSQL runs as, or what AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name.
 *
 * The files are read each time keys are needed: somebody beside the server may keep them fresh. A profile may have
 * keys, or a role and who assumes it: another profile, what credential_source names, a web identity. It may not have
 * a program that is run for keys: the server runs none.
 */
#include "postgres.h"

#include "aws/credentials_provider.h"
#include "aws/profile_file.h"
#include "aws/sts.h"

#define MAX_FILE_SIZE (1024 * 1024)
#define MAX_CHAIN 5

static EtlAwsCredentials *profile_credentials(const EtlAwsServer *server, const char *name, int depth);

static void
pg_attribute_noreturn() raise_unusable(const char *name, const char *detail, const char *hint)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			errmsg("AWS profile \"%s\" has no credentials that can be used", name), errdetail("%s", detail),
			hint != NULL ? errhint("%s", hint) : 0);
	pg_unreachable();
}

/* A file of the shared ones; one that isn't there says nothing. */
static void
take_file(const char *variable, const char *below_home, bool config, const char *name, EtlAwsProfile *profile)
{
	const char *path = credentials_environment_variable(variable);
	char home[MAXPGPATH];
	char *text;
	EtlError error;
	bool ok;

	if (path == NULL && !get_home_path(home))
		return;
	if (path == NULL)
		path = psprintf("%s/%s", home, below_home);
	text = credentials_file_read(path, MAX_FILE_SIZE);
	if (text == NULL && errno == ENOENT)
		return;
	if (text == NULL)
		ereport(ERROR, errcode_for_file_access(), errmsg("could not read AWS profile file \"%s\": %m", path));
	ok = profile_file_parse(text, config, name, profile, &error);
	explicit_bzero(text, strlen(text));
	pfree(text);
	if (!ok)
		ereport(ERROR, errcode(error.sqlstate), errmsg("%s \"%s\"", error.message, path),
				errdetail("%s", error.detail));
}

static EtlAwsCredentials *
profile_keys(const EtlAwsProfile *profile, const char *name)
{
	EtlAwsCredentials *credentials = credentials_make(NULL, NULL);

	if (profile->access_key_id == NULL || profile->secret_access_key == NULL)
	{
		if (profile->sso != NULL || profile->credential_process != NULL)
			raise_unusable(name,
						   profile->sso != NULL ? "It signs in with IAM Identity Center."
												: "It has them from a program.",
						   "Name a profile that has keys or a role.");
		raise_unusable(name, "It has neither aws_access_key_id and aws_secret_access_key nor a role.", NULL);
	}
	credentials->keys =
		(EtlAwsKeys){profile->access_key_id, profile->secret_access_key, profile->session_token};
	credentials->origin = psprintf("profile \"%s\" of the shared AWS files", name);
	return credentials_identify(credentials);
}

/* Who assumes the profile's role. */
static EtlAwsCredentials *
profile_source(const EtlAwsServer *server, const EtlAwsProfile *profile, const char *name, int depth)
{
	const char *source = profile->credential_source;

	if (profile->source_profile != NULL && strcmp(profile->source_profile, name) == 0)
		return profile_keys(profile, name);
	if (profile->source_profile != NULL)
		return profile_credentials(server, profile->source_profile, depth + 1);
	if (source == NULL)
		raise_unusable(name, "It has a role_arn, and nobody who assumes it.",
					   "Add source_profile, credential_source or web_identity_token_file.");
	if (strcmp(source, "Environment") == 0)
		return credentials_environment_get(server);
	if (strcmp(source, "Ec2InstanceMetadata") == 0)
		return credentials_instance_get(server);
	if (strcmp(source, "EcsContainer") == 0)
		return credentials_container_get(server);
	raise_unusable(
		name, "Its credential_source is none of Environment, Ec2InstanceMetadata and EcsContainer.", NULL);
}

static EtlAwsCredentials *
profile_credentials(const EtlAwsServer *server, const char *name, int depth)
{
	EtlAwsProfile profile = {.found = false};
	const char *session_name = server->role_session_name;

	if (depth > MAX_CHAIN)
		raise_unusable(name, "It is one of a chain of profiles that has no end, or more than five.", NULL);
	take_file("AWS_CONFIG_FILE", ".aws/config", true, name, &profile);
	take_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false, name, &profile);
	if (!profile.found)
		ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("there is no AWS profile \"%s\"", name),
				errhint("It is looked for in ~/.aws/config and ~/.aws/credentials of the operating system's "
						"user that "
						"PostgreSQL runs as, or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE of its "
						"environment "
						"say."));
	if (profile.role_arn == NULL)
		return profile_keys(&profile, name);
	if (session_name == NULL)
		session_name = profile.role_session_name;
	if (session_name != NULL)
		sts_session_name_check("\"role_session_name\" of an AWS profile", session_name);
	if (profile.external_id != NULL)
		sts_external_id_check("\"external_id\" of an AWS profile", profile.external_id);
	if (profile.web_identity_token_file != NULL)
		return credentials_web_identity_make(server, profile.role_arn, profile.web_identity_token_file,
											 session_name);
	aws_credentials_roles_check(profile.role_arn);
	return credentials_role_make(server, profile_source(server, &profile, name, depth), profile.role_arn,
								 profile.external_id, session_name);
}

static EtlAwsCredentials *
profile_resolve(const EtlAwsCredentials *credentials)
{
	return profile_credentials(credentials->server, credentials->place, 1);
}

static const EtlAwsProvider provider = {.name = "profile", .resolve = profile_resolve};

EtlAwsCredentials *
credentials_profile_get(const EtlAwsServer *server)
{
	EtlAwsCredentials *credentials = credentials_make(server, &provider);
	const char *name = server->profile;

	if (name == NULL)
		name = credentials_environment_variable("AWS_PROFILE");
	credentials->place = pstrdup(name != NULL ? name : "default");
	credentials->origin = psprintf("profile \"%s\" of the shared AWS files", credentials->place);
	return credentials_identify(credentials);
}
