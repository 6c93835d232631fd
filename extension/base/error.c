/*
 * error.c
 *		Filling and raising EtlError. Pure but for etl_error_raise.
 */
#include "base/error.h"

static void
format_cut(char *buf, size_t size, const char *fmt, va_list args)
{
	int n = vsnprintf(buf, size, fmt, args);

	/* A UTF-8 character that the buffer's end cut in two goes as a whole. */
	if (n >= (int) size)
	{
		size_t end = size - 1;

		while (end > 0 && ((unsigned char) buf[end - 1] & 0xC0) == 0x80)
			end--;
		if (end > 0 && (unsigned char) buf[end - 1] >= 0xC0)
			end--;
		buf[end] = '\0';
	}
}

bool
etl_error_set(EtlError *error, int sqlstate, const char *fmt, ...)
{
	va_list args;

	memset(error, 0, sizeof(*error));
	error->sqlstate = sqlstate;
	va_start(args, fmt);
	format_cut(error->message, sizeof(error->message), fmt, args);
	va_end(args);
	return false;
}

void
etl_error_detail(EtlError *error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_cut(error->detail, sizeof(error->detail), fmt, args);
	va_end(args);
}

void
etl_error_hint(EtlError *error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_cut(error->hint, sizeof(error->hint), fmt, args);
	va_end(args);
}

#ifndef FRONTEND
void
etl_error_raise(const EtlError *error)
{
	ereport(ERROR, errcode(error->sqlstate), errmsg("%s", error->message),
			error->detail[0] ? errdetail("%s", error->detail) : 0,
			error->hint[0] ? errhint("%s", error->hint) : 0);
	pg_unreachable();
}
#endif
