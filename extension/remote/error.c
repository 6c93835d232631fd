/*
 * error.c
 *		The other server's errors: kept as they were said, and said again here.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "remote/connection.h"

/* Copy what the other side said, cut at a character. It may say anything: bytes that are no text here go as '?'. */
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

void
warehouse_error_take(const EtlWarehouse *warehouse, const PGresult *result, EtlRemoteError *remote)
{
	EtlError *error = &remote->error;
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	memset(remote, 0, sizeof(*remote));
	error->sqlstate = take_sqlstate(PQresultErrorField(result, PG_DIAG_SQLSTATE));
	/* What libpq itself has to say has no fields. */
	take_text(error->message, sizeof(error->message),
			  message != NULL ? message : PQerrorMessage(warehouse->conn->handle));
	take_text(error->detail, sizeof(error->detail), PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
	take_text(error->hint, sizeof(error->hint), PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
	take_text(remote->context, sizeof(remote->context), PQresultErrorField(result, PG_DIAG_CONTEXT));
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
