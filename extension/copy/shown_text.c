/*
 * shown_text.c
 *		Bytes of a file as text of the database. See shown_text.h.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "copy/shown_text.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* From UTF-8 to the database's encoding; without an OID: there is none, or none is needed. */
static FmgrInfo conversion;

void
shown_text_prepare(void)
{
	Oid proc = InvalidOid;

	if (GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII)
		proc = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	if (!OidIsValid(proc))
		conversion.fn_oid = InvalidOid;
	else
		fmgr_info_cxt(proc, &conversion, TopMemoryContext);
}

static void
append_character(StringInfo out, const char *character, int size)
{
	char converted[MAX_MULTIBYTE_CHAR_LEN * MAX_CONVERSION_GROWTH + 1];

	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		appendBinaryStringInfo(out, character, size);
	else if (OidIsValid(conversion.fn_oid) &&
			 DatumGetInt32(FunctionCall6(&conversion, Int32GetDatum(PG_UTF8), Int32GetDatum(GetDatabaseEncoding()),
										 CStringGetDatum(character), CStringGetDatum(converted),
										 Int32GetDatum(size), BoolGetDatum(true))) == size)
		appendStringInfoString(out, converted);
	else
		appendStringInfoChar(out, '?');
}

char *
shown_text(const char *bytes, size_t len, size_t max)
{
	size_t end = Min(len, max);
	StringInfoData out;

	initStringInfo(&out);
	for (size_t in = 0; in < end;)
	{
		unsigned char c = (unsigned char) bytes[in];
		size_t size = c < 0x80 ? 1 : pg_utf_mblen((const unsigned char *) bytes + in);

		if (size > 1 && in + size <= len && pg_utf8_islegal((const unsigned char *) bytes + in, size))
		{
			if (in + size > end)
				break; /* the cut is within it */
			append_character(&out, bytes + in, size);
			in += size;
			continue;
		}
		appendStringInfoChar(&out, c == '\0' || c >= 0x80 ? '?' : c);
		in++;
	}
	return out.data;
}
