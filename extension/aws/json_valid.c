/*
 * json_valid.c
 *		Validating JSON. See json_valid.h.
 */
#include "aws/json_valid.h"

#include "mb/pg_wchar.h"

#define MAX_DEPTH 256

typedef struct Scan
{
	const unsigned char *at;
	const unsigned char *end;
} Scan;

static void
skip_blanks(Scan *scan)
{
	while (scan->at < scan->end &&
		   (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
		scan->at++;
}

static bool
take(Scan *scan, unsigned char c)
{
	if (scan->at == scan->end || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

static bool
take_digits(Scan *scan)
{
	const unsigned char *start = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > start;
}

/* What follows a backslash. */
static bool
take_escape(Scan *scan)
{
	if (scan->at == scan->end || *scan->at == '\0' || strchr("\"\\/bfnrtu", *scan->at) == NULL)
		return false;
	if (*scan->at++ != 'u')
		return true;
	for (int i = 0; i < 4; i++)
		if (scan->at == scan->end || !isxdigit(*scan->at++))
			return false;
	return true;
}

static bool
take_string(Scan *scan)
{
	if (!take(scan, '"'))
		return false;
	while (scan->at < scan->end && *scan->at != '"')
	{
		int length = pg_utf_mblen(scan->at);

		if (*scan->at < 0x20 || scan->end - scan->at < length || !pg_utf8_islegal(scan->at, length))
			return false;
		scan->at += length;
		if (scan->at[-1] == '\\' && !take_escape(scan))
			return false;
	}
	return take(scan, '"');
}

static bool
take_number(Scan *scan)
{
	(void) take(scan, '-');
	if (!take(scan, '0') && !take_digits(scan))
		return false;
	if (take(scan, '.') && !take_digits(scan))
		return false;
	if (!take(scan, 'e') && !take(scan, 'E'))
		return true;
	if (!take(scan, '+'))
		(void) take(scan, '-');
	return take_digits(scan);
}

static bool
take_scalar(Scan *scan)
{
	static const char *const words[] = {"true", "false", "null"};

	if (scan->at < scan->end && *scan->at == '"')
		return take_string(scan);
	for (int i = 0; i < lengthof(words); i++)
	{
		size_t length = strlen(words[i]);

		if ((size_t) (scan->end - scan->at) >= length && memcmp(scan->at, words[i], length) == 0)
		{
			scan->at += length;
			return true;
		}
	}
	return take_number(scan);
}

/* A member's name and its colon, which stand where an array has nothing. */
static bool
take_name(Scan *scan, char container)
{
	if (container != '{')
		return true;
	skip_blanks(scan);
	if (!take_string(scan))
		return false;
	skip_blanks(scan);
	return take(scan, ':');
}

static unsigned char
closing(char container)
{
	return container == '{' ? '}' : ']';
}

bool
aws_json_valid(const char *json, size_t size)
{
	Scan scan = {(const unsigned char *) json, (const unsigned char *) json + size};
	char containers[MAX_DEPTH]; /* that are open, innermost last */
	int depth = 0;

	for (;;)
	{
		/* a value */
		skip_blanks(&scan);
		if (scan.at < scan.end && (*scan.at == '{' || *scan.at == '['))
		{
			if (depth == MAX_DEPTH)
				return false;
			containers[depth++] = (char) *scan.at++;
			skip_blanks(&scan);
			if (scan.at == scan.end || *scan.at != closing(containers[depth - 1]))
			{
				if (!take_name(&scan, containers[depth - 1]))
					return false;
				continue;
			}
		}
		else if (!take_scalar(&scan))
			return false;
		/* what follows it */
		for (skip_blanks(&scan); depth > 0 && take(&scan, closing(containers[depth - 1])); skip_blanks(&scan))
			depth--;
		if (depth == 0)
			return scan.at == scan.end;
		if (!take(&scan, ',') || !take_name(&scan, containers[depth - 1]))
			return false;
	}
}
