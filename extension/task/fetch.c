/*
 * fetch.c
 *		Getting a script's text from its object store.
 */
#include "postgres.h"

#include "base/transaction.h"
#include "mb/pg_wchar.h"
#include "store/store.h"
#include "task/script.h"

#define SCRIPT_MAX_SIZE (16 * 1024 * 1024)

static void
read_all(EtlStore *store, const EtlUri *uri, StringInfo content)
{
	EtlReader *reader = store_read(store, uri->bucket, uri->key, 0, 0, NULL);
	size_t size;

	do
	{
		enlargeStringInfo(content, BLCKSZ);
		size = reader->read(reader, content->data + content->len, BLCKSZ);
		content->len += size;
		if (content->len > SCRIPT_MAX_SIZE)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("script \"%s\" is too large", reader->name),
					errdetail("A script may have up to %d MB.", SCRIPT_MAX_SIZE / (1024 * 1024)));
	} while (size > 0);
	content->data[content->len] = '\0';
	reader->close(reader);
}

static char *
decode(const char *uri, const StringInfo content)
{
	const char *text = content->data;
	int length = content->len;
	int valid;

	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
	{
		text += 3;
		length -= 3;
	}
	valid = pg_encoding_verifymbstr(PG_UTF8, text, length);
	if (valid != length)
		ereport(ERROR, errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE), errmsg("script \"%s\" is not valid UTF-8", uri),
				errdetail("The byte at offset %d is 0x%02x.", (int) (text - content->data) + valid,
						  (unsigned char) text[valid]));
	return pg_any_to_server(text, length, PG_UTF8);
}

char *
script_fetch(const char *uri)
{
	EtlTransaction transaction;
	StringInfoData content;
	EtlStore *store;
	EtlUri place;
	char *text;
	bool local;

	initStringInfo(&content);
	etl_transaction_enter(&transaction);
	store_uri_parse(uri, &place);
	store = store_open(NULL, NULL);
	local = store->server->mode == ETL_AWS_MODE_LOCAL;
	if (local)
		read_all(store, &place, &content);
	else
		store->server->credentials = aws_credentials_get(store->server);
	etl_transaction_leave(&transaction);
	if (!local)
		read_all(store, &place, &content);

	/* A conversion is a function in the catalogs. */
	etl_transaction_enter(&transaction);
	text = decode(uri, &content);
	etl_transaction_leave(&transaction);
	return text;
}
