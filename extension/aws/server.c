/*
 * server.c
 *		Foreign servers of wrapper etl_aws: their options, who may set which, and what is made of them. See server.h.
 *
 * Trust comes from the owner at the time of use, not from who set an option: ALTER SERVER … OWNER TO moves it.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/module.h"
#include "aws/request.h"
#include "aws/server.h"
#include "aws/sts.h"
#include "base/compat.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pg_etl_aws_validator);

static void
check_mode(const char *value)
{
	if (strcmp(value, "aws") != 0 && strcmp(value, "local") != 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid value for option \"mode\": \"%s\"", value),
				errhint("Valid values are \"aws\" and \"local\"."));
}

static void
check_region(const char *value)
{
	EtlError error;

	if (!endpoint_region_check(value, &error))
		etl_error_raise(&error);
}

static void
check_endpoint(const char *value)
{
	EtlError error;

	if (!endpoint_custom_check(value, &error))
		etl_error_raise(&error);
}

static void
check_bool(const char *name, const char *value)
{
	bool ignored;

	if (!parse_bool(value, &ignored))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid value for option \"%s\": \"%s\"", name, value),
				errhint("Valid values are \"true\" and \"false\"."));
}

static void
check_path_style(const char *value)
{
	check_bool("path_style", value);
}

static void
check_use_fips(const char *value)
{
	check_bool("use_fips", value);
}

static void
check_use_dualstack(const char *value)
{
	check_bool("use_dualstack", value);
}

static void
check_requester_pays(const char *value)
{
	check_bool("requester_pays", value);
}

static void
check_encryption(const char *value)
{
	if (strcmp(value, "AES256") != 0 && strcmp(value, "aws:kms") != 0 && strcmp(value, "aws:kms:dsse") != 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid value for option \"encryption\": \"%s\"", value),
				errhint("Valid values are \"AES256\", \"aws:kms\" and \"aws:kms:dsse\"."));
}

/* A folder of the server's file system: for those who may read and write any file of it. */
static void
check_root(const char *value)
{
	Oid user = GetUserId();

	if (!superuser() && !(has_privs_of_role(user, ROLE_PG_READ_SERVER_FILES) &&
						  has_privs_of_role(user, ROLE_PG_WRITE_SERVER_FILES)))
		ereport(
			ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied to set option \"root\" of an etl_aws server"),
			errdetail("It makes a folder of the database server readable and writable."),
			errhint("Ask a superuser, or a member of both pg_read_server_files and pg_write_server_files."));
	aws_text_check("option \"root\"", value);
	if (!is_absolute_path(value))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"root\" is not an absolute path: \"%s\"", value));
}

/* Where option "credentials" may have them from; in the order of EtlAwsCredentialsOption. */
static const char *const credentials_values[] = {"user_mapping", "environment", "profile",
												 "web_identity", "container",	"instance"};

/* -1: it is none of them */
static int
credentials_value(const char *value)
{
	for (int i = 0; i < lengthof(credentials_values); i++)
		if (strcmp(value, credentials_values[i]) == 0)
			return i;
	return -1;
}

static void
check_credentials(const char *value)
{
	int which = credentials_value(value);

	if (which < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid value for option \"credentials\": \"%s\"", value),
				errhint("Valid values are \"user_mapping\", \"environment\", \"profile\", \"web_identity\", "
						"\"container\" and \"instance\"."));
	if (which != ETL_AWS_CREDENTIALS_USER_MAPPING && !superuser())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to set option \"credentials\" to \"%s\"", value),
				errdetail("These credentials are the database server's own."),
				errhint("Ask a superuser, or use a user mapping."));
}

static void
check_profile(const char *value)
{
	aws_text_check("option \"profile\"", value);
	if (*value == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"profile\" is empty"));
}

static void
check_external_id(const char *value)
{
	sts_external_id_check("option \"external_id\"", value);
}

static void
check_role_session_name(const char *value)
{
	sts_session_name_check("option \"role_session_name\"", value);
}

static void
check_key_text(const char *what, const char *value)
{
	if (*value == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", what));
	/* printable ASCII, so that it can go into a header; the value itself is not repeated */
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c <= 0x20 || *c >= 0x7F)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s holds a blank or another character that AWS's don't", what),
					errhint("Check it for blanks and line breaks that came with copy and paste."));
}

static void
check_kms_key_id(const char *value)
{
	check_key_text("option \"kms_key_id\"", value);
}

static void
check_access_key_id(const char *value)
{
	check_key_text("option \"access_key_id\"", value);
}

static void
check_secret_access_key(const char *value)
{
	check_key_text("option \"secret_access_key\"", value);
}

static void
check_session_token(const char *value)
{
	check_key_text("option \"session_token\"", value);
}

typedef struct Option
{
	const char *name;
	Oid catalog; /* the kind of object that has it */
	void (*check)(const char *value);
} Option;

static const Option options[] = {
	{"mode", ForeignServerRelationId, check_mode},
	{"region", ForeignServerRelationId, check_region},
	{"endpoint", ForeignServerRelationId, check_endpoint},
	{"path_style", ForeignServerRelationId, check_path_style},
	{"root", ForeignServerRelationId, check_root},
	{"credentials", ForeignServerRelationId, check_credentials},
	{"profile", ForeignServerRelationId, check_profile},
	{"role_arn", ForeignServerRelationId, aws_credentials_roles_check},
	{"external_id", ForeignServerRelationId, check_external_id},
	{"role_session_name", ForeignServerRelationId, check_role_session_name},
	{"use_fips", ForeignServerRelationId, check_use_fips},
	{"use_dualstack", ForeignServerRelationId, check_use_dualstack},
	{"requester_pays", ForeignServerRelationId, check_requester_pays},
	{"encryption", ForeignServerRelationId, check_encryption},
	{"kms_key_id", ForeignServerRelationId, check_kms_key_id},
	{"access_key_id", UserMappingRelationId, check_access_key_id},
	{"secret_access_key", UserMappingRelationId, check_secret_access_key},
	{"session_token", UserMappingRelationId, check_session_token},
};

static const Option *
option_find(const char *name, Oid catalog)
{
	StringInfoData valid;

	for (int i = 0; i < lengthof(options); i++)
		if (options[i].catalog == catalog && strcmp(options[i].name, name) == 0)
			return &options[i];
	initStringInfo(&valid);
	for (int i = 0; i < lengthof(options); i++)
		if (options[i].catalog == catalog)
			appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "", options[i].name);
	ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
			valid.len > 0 ? errhint("Valid options in this context are: %s.", valid.data)
						  : errhint("There are no valid options in this context."));
}

static const char *
option_value(List *list, const char *name)
{
	ListCell *cell;

	foreach (cell, list)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			return defGetString(option);
	}
	return NULL;
}

/* An option that says more about another one is a mistake without it. */
static void
check_goes_with(List *list, const char *name, bool with_it, const char *with_what, const char *hint)
{
	if (option_value(list, name) != NULL && !with_it)
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				errmsg("option \"%s\" is for %s only", name, with_what), errhint("%s, or leave %s out.", hint, name));
}

/* What no option of a server shows by itself. */
static void
check_server_together(List *list)
{
	const char *mode = option_value(list, "mode");
	const char *encryption = option_value(list, "encryption");
	const char *credentials = option_value(list, "credentials");
	bool local = mode != NULL && strcmp(mode, "local") == 0;

	if (local && option_value(list, "root") == NULL)
		ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				errmsg("option \"root\" is required in local mode"),
				errhint("Name the directory that holds a folder for each bucket: OPTIONS (mode 'local', root "
						"'/srv/lake')."));
	check_goes_with(list, "root", local, "local mode", "Add mode 'local'");
	check_goes_with(list, "kms_key_id", encryption != NULL && strncmp(encryption, "aws:kms", 7) == 0,
					"encryption by KMS", "Add encryption 'aws:kms'");
	check_goes_with(list, "profile", credentials != NULL && strcmp(credentials, "profile") == 0,
					"credentials of a profile", "Add credentials 'profile'");
	check_goes_with(list, "external_id", option_value(list, "role_arn") != NULL, "a role that is assumed",
					"Add role_arn");
}

static void
check_mapping_together(List *list)
{
	if (option_value(list, "access_key_id") == NULL || option_value(list, "secret_access_key") == NULL)
		ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				errmsg("options \"access_key_id\" and \"secret_access_key\" are required"),
				errhint("OPTIONS (access_key_id '...', secret_access_key '...')"));
}

Datum
pg_etl_aws_validator(PG_FUNCTION_ARGS)
{
	List *list = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	ListCell *cell;

	foreach (cell, list)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		option_find(option->defname, catalog)->check(defGetString(option));
	}
	if (catalog == ForeignServerRelationId)
		check_server_together(list);
	if (catalog == UserMappingRelationId)
		check_mapping_together(list);
	PG_RETURN_VOID();
}

static bool
option_bool(List *list, const char *name)
{
	const char *value = option_value(list, name);
	bool result = false;

	return value != NULL && parse_bool(value, &result) && result;
}

static char *
option_copy(List *list, const char *name)
{
	const char *value = option_value(list, name);

	return value != NULL ? pstrdup(value) : NULL;
}

static void
apply_options(EtlAwsServer *server, List *list)
{
	const char *value;

	server->region = pstrdup((value = option_value(list, "region")) != NULL ? value : "us-east-1");
	if ((value = option_value(list, "mode")) != NULL && strcmp(value, "local") == 0)
		server->mode = ETL_AWS_MODE_LOCAL;
	server->endpoint = option_copy(list, "endpoint");
	server->path_style = option_bool(list, "path_style");
	server->use_fips = option_bool(list, "use_fips");
	server->use_dualstack = option_bool(list, "use_dualstack");
	server->requester_pays = option_bool(list, "requester_pays");
	server->encryption = option_copy(list, "encryption");
	server->kms_key_id = option_copy(list, "kms_key_id");
	if ((value = option_value(list, "root")) != NULL)
	{
		server->root = pstrdup(value);
		canonicalize_path(server->root);
	}
	if ((value = option_value(list, "credentials")) != NULL)
		server->credentials = (EtlAwsCredentialsOption) Max(credentials_value(value), 0);
	server->profile = option_copy(list, "profile");
	server->role_arn = option_copy(list, "role_arn");
	server->external_id = option_copy(list, "external_id");
	server->role_session_name = option_copy(list, "role_session_name");
}

EtlAwsServer *
aws_server_get(const char *name)
{
	EtlAwsServer *server = palloc0(sizeof(EtlAwsServer));
	ForeignServer *foreign;
	AclResult access;

	if (name == NULL)
		name = aws_default_server;
	foreign = GetForeignServerByName(name, true);
	if (foreign == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("AWS server \"%s\" does not exist", name),
				errhint("CREATE SERVER %s FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1'), or set "
						"etl.aws_server to "
						"the name of one that exists.",
						quote_identifier(name)));
	if (strcmp(GetForeignDataWrapper(foreign->fdwid)->fdwname, "etl_aws") != 0)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("foreign server \"%s\" is not an AWS server", name),
				errhint("Name a server of foreign-data wrapper etl_aws."));
	access = object_aclcheck(ForeignServerRelationId, foreign->serverid, GetUserId(), ACL_USAGE);
	if (access != ACLCHECK_OK)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied for AWS server \"%s\"", name),
				errhint("GRANT USAGE ON FOREIGN SERVER %s TO %s.", quote_identifier(name),
						quote_identifier(GetUserNameFromId(GetUserId(), false))));
	server->serverid = foreign->serverid;
	server->name = pstrdup(foreign->servername);
	server->trusted = superuser_arg(foreign->owner);
	apply_options(server, foreign->options);
	return server;
}

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

EtlAwsServer *
aws_server_copy(const EtlAwsServer *server)
{
	EtlAwsServer *copy = palloc(sizeof(EtlAwsServer));

	*copy = *server;
	copy->name = copy_text(server->name);
	copy->region = copy_text(server->region);
	copy->endpoint = copy_text(server->endpoint);
	copy->encryption = copy_text(server->encryption);
	copy->kms_key_id = copy_text(server->kms_key_id);
	copy->root = copy_text(server->root);
	copy->profile = copy_text(server->profile);
	copy->role_arn = copy_text(server->role_arn);
	copy->external_id = copy_text(server->external_id);
	copy->role_session_name = copy_text(server->role_session_name);
	return copy;
}
