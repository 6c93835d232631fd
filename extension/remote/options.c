/*
 * options.c
 *		The options of etl_warehouse servers and user mappings.
 *
 * Whatever a user may write here ends up in a libpq connection, so only the options below exist; none of libpq's
 * own that read files or name programs does.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "base/compat.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "remote/secret_value.h"
#include "remote/target.h"
#include "utils/acl.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pg_etl_warehouse_validator);

typedef struct WarehouseOption
{
	const char *name;
	Oid context;	  /* catalog of the object it belongs to */
	bool with_secret; /* may stand beside secret_id, which gives the others */
} WarehouseOption;

static const WarehouseOption warehouse_options[] = {
	{"host", ForeignServerRelationId, false},
	{"port", ForeignServerRelationId, false},
	{"dbname", ForeignServerRelationId, true},
	{"sslmode", ForeignServerRelationId, true},
	{"connect_timeout", ForeignServerRelationId, true},
	{"secret_id", ForeignServerRelationId, true},
	{"aws_server", ForeignServerRelationId, true},
	{"user", UserMappingRelationId, false},
	{"password", UserMappingRelationId, false},
};

static const char *const sslmodes[] = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"};

static const WarehouseOption *
option_find(const char *name, Oid context)
{
	for (int i = 0; i < lengthof(warehouse_options); i++)
		if (warehouse_options[i].context == context && strcmp(warehouse_options[i].name, name) == 0)
			return &warehouse_options[i];
	return NULL;
}

static void
option_unknown(const char *name, Oid context)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(warehouse_options); i++)
		if (warehouse_options[i].context == context)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", warehouse_options[i].name);
	ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
			names.len > 0 ? errhint("Valid options here are: %s.", names.data)
						  : errhint("There are no valid options here."));
}

static bool
positive_number(const char *text, long max)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	return errno == 0 && isdigit((unsigned char) text[0]) && *end == '\0' && number >= 1 && number <= max;
}

static void
option_invalid(const DefElem *option, const char *remedy)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid value for option \"%s\": \"%s\"", option->defname, defGetString((DefElem *) option)),
			errhint("%s", remedy));
}

static void
option_check_value(DefElem *option)
{
	const char *name = option->defname;
	const char *value = defGetString(option);

	/* libpq takes an empty value for none and looks into the environment. Never show what a password is. */
	if (value[0] == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"%s\" must not be empty", name),
				errhint("Leave the option out instead."));
	if (strcmp(name, "host") == 0 && strchr(value, ',') != NULL)
		option_invalid(option, "A warehouse is one host.");
	if (strcmp(name, "port") == 0 && !warehouse_port_valid(value))
		option_invalid(option, "A port is a number from 1 to 65535.");
	if (strcmp(name, "connect_timeout") == 0 && !positive_number(value, 3600))
		option_invalid(option, "It is a number of seconds from 1 to 3600.");
	if (strcmp(name, "sslmode") == 0)
	{
		for (int i = 0; i < lengthof(sslmodes); i++)
			if (strcmp(value, sslmodes[i]) == 0)
				return;
		option_invalid(option, "It is one of disable, allow, prefer, require, verify-ca, verify-full.");
	}
}

static bool
options_have(List *options, const char *name)
{
	ListCell *lc;

	foreach (lc, options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) == 0)
			return true;
	return false;
}

/* A server says where its warehouse is itself, or leaves it to a secret. */
static void
server_check_complete(List *options)
{
	ListCell *lc;

	if (options_have(options, "secret_id"))
	{
		foreach (lc, options)
		{
			const char *name = lfirst_node(DefElem, lc)->defname;

			if (!option_find(name, ForeignServerRelationId)->with_secret)
				ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("option \"%s\" can't stand beside \"secret_id\"", name),
						errdetail("The secret says host, port, user and password."));
		}
		return;
	}
	if (!options_have(options, "host") || !options_have(options, "dbname"))
		ereport(ERROR, errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				errmsg("an etl_warehouse server needs options \"host\" and \"dbname\", or \"secret_id\""));
	if (options_have(options, "aws_server"))
		ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				errmsg("option \"aws_server\" has no meaning without \"secret_id\""));
}

Datum
pg_etl_warehouse_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid context = PG_GETARG_OID(1);
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *option = lfirst_node(DefElem, lc);

		if (option_find(option->defname, context) == NULL)
			option_unknown(option->defname, context);
		option_check_value(option);
	}
	if (context == ForeignServerRelationId)
		server_check_complete(options);
	PG_RETURN_VOID();
}

static void
target_take_options(EtlWarehouseTarget *target, List *options)
{
	const struct
	{
		const char *name;
		char **field;
	} fields[] = {
		{"host", &target->host},		   {"port", &target->port},
		{"dbname", &target->dbname},	   {"sslmode", &target->sslmode},
		{"secret_id", &target->secret_id}, {"aws_server", &target->aws_server},
		{"user", &target->user},		   {"password", &target->password},
	};
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "connect_timeout") == 0)
			target->connect_timeout = pg_strtoint32(defGetString(option));
		for (int i = 0; i < lengthof(fields); i++)
			if (strcmp(option->defname, fields[i].name) == 0)
				*fields[i].field = pstrdup(defGetString(option));
	}
}

void
warehouse_target_from_server(const char *name, EtlWarehouseTarget *target)
{
	ForeignServer *server = GetForeignServerByName(name, true);
	AclResult acl;

	if (server == NULL || strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, "etl_warehouse") != 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("connection \"%s\" does not exist", name),
				server != NULL ? errdetail("Server \"%s\" is not one of foreign-data wrapper etl_warehouse.", name)
							   : 0,
				errhint("CREATE SERVER %s FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '...', dbname '...');",
						quote_identifier(name)));
	acl = object_aclcheck(ForeignServerRelationId, server->serverid, GetUserId(), ACL_USAGE);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_SERVER, name);

	memset(target, 0, sizeof(*target));
	target->name = pstrdup(name);
	target->connect_timeout = ETL_WAREHOUSE_DEFAULT_TIMEOUT;
	target->trusted = superuser_arg(server->owner);
	/* Only a superuser on a superuser's server may lean on who the server process itself is. */
	target->password_needed = !(target->trusted && superuser());
	target_take_options(target, server->options);
	if (target->secret_id == NULL)
		target_take_options(target, GetUserMapping(GetUserId(), server->serverid)->options);
}
