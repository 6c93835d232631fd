/*
 * error.c
 *		The other server's errors: kept as they were said, and said again here.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "remote/connection.h"

/* Copy what the other side said, cut at a character. It may say anything: what is no text here goes as '?'. */
static void
take_text(char *to, size_t size, const char *from)
{
	size_t length = from == NULL ? 0 : strlen(from);

	while (length > 0 && (from[length - 1] == '\n' || from[length - 1] == ' '))
		length--;
	if (length > 0 && !pg_verifymbstr(from, length, true))
	{
		length = Min(length, size - 1);
		for (size_t i = 0; i < length; i++)
			to[i] = IS_HIGHBIT_SET(from[i]) ? '?' : from[i];
	}
	else if (length > 0)
	{
		length = pg_mbcliplen(from, length, size - 1);
		memcpy(to, from, length);
	}
	to[length] = '\0';
}

static int
take_sqlstate(const char *sqlstate)
{
	if (sqlstate == NULL || strlen(sqlstate) != 5)
		return ERRCODE_CONNECTION_FAILURE;
	return MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]);
}

/* The context's last line says whose the lines above are. */
static void
add_connection(EtlRemoteError *remote, const char *name)
{
	char *line = psprintf("%son connection \"%s\"", remote->context[0] == '\0' ? "" : "\n", name);
	size_t length = strlen(remote->context);

	take_text(remote->context + length, sizeof(remote->context) - length, line);
	pfree(line);
}

void
warehouse_error_take(const EtlWarehouse *warehouse, const PGresult *result, EtlRemoteError *remote)
{
	EtlError *error = &remote->error;
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *severity;

	memset(remote, 0, sizeof(*remote));
	error->sqlstate = take_sqlstate(PQresultErrorField(result, PG_DIAG_SQLSTATE));
	/* What libpq itself has to say has no fields. */
	take_text(error->message, sizeof(error->message),
			  message != NULL ? message : PQerrorMessage(warehouse->conn->handle));
	take_text(error->detail, sizeof(error->detail), PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
	take_text(error->hint, sizeof(error->hint), PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
	/* A FATAL's context may quote a translated statement: pg_etl over there can't keep it out of that. */
	severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (severity != NULL && strcmp(severity, "ERROR") == 0)
		take_text(remote->context, sizeof(remote->context), PQresultErrorField(result, PG_DIAG_CONTEXT));
	add_connection(remote, warehouse->name);
}

/* Where a verbose message has its SQLSTATE: "…:  28P01: …". NULL: nowhere, it is libpq's own. */
static char *
find_sqlstate(char *message)
{
	for (char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  "))
		if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && strncmp(at + 8, ": ", 2) == 0)
			return at + 3;
	return NULL;
}

/* The last line of a verbose message is a place in the other server's source. */
static void
cut_location(char *message)
{
	char *line = strrchr(message, '\n');

	if (line != NULL && strstr(line, ".c:") != NULL)
		*line = '\0';
}

void
warehouse_error_take_refusal(const EtlWarehouse *warehouse, EtlRemoteError *remote)
{
	EtlError *error = &remote->error;
	char *sqlstate;

	warehouse_error_take(warehouse, NULL, remote);
	error->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
	sqlstate = find_sqlstate(error->message);
	if (sqlstate == NULL)
	{
		etl_error_hint(error, "Check host and port, and that the server's network lets this one in.");
		return;
	}
	error->sqlstate = MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]);
	memmove(sqlstate, sqlstate + 7, strlen(sqlstate + 7) + 1);
	cut_location(error->message);
	if (ERRCODE_TO_CATEGORY(error->sqlstate) == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION)
		etl_error_hint(error, "Check user name and password in the secret or the user mapping.");
	else
		etl_error_hint(error, "Check database name and user in the secret or the user mapping.");
}

void
warehouse_error_raise(const EtlRemoteError *remote)
{
	const EtlError *error = &remote->error;

	ereport(ERROR, errcode(error->sqlstate), errmsg("%s", error->message),
			error->detail[0] ? errdetail("%s", error->detail) : 0,
			error->hint[0] ? errhint("%s", error->hint) : 0,
			remote->context[0] ? errcontext_msg("%s", remote->context) : 0);
	pg_unreachable();
}
