/*
 * fetch.c
 *		Getting a script's text from its object store.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "base/transaction.h"
#include "mb/pg_wchar.h"
#include "net/http.h"
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

struct EtlScriptFetch
{
	const char *uri;
	StringInfoData content;
	EtlAwsFetch *request; /* NULL: it is there already, from a folder */
};

EtlScriptFetch *
script_fetch_start(const char *uri)
{
	EtlScriptFetch *fetch = palloc0(sizeof(EtlScriptFetch));
	EtlStore *store;
	EtlUri place;

	fetch->uri = pstrdup(uri);
	initStringInfo(&fetch->content);
	store_uri_parse(uri, &place);
	store_require_key(place.bucket, place.key);
	store = store_open(NULL, NULL);
	if (store->server->mode == ETL_AWS_MODE_LOCAL)
		read_all(store, &place, &fetch->content);
	else
		fetch->request = s3_object_fetch_start(store->server, store->credentials, place.bucket, place.key,
											   SCRIPT_MAX_SIZE, &fetch->content);
	return fetch;
}

char *
script_fetch_poll(EtlScriptFetch *fetch, EtlWait *wait)
{
	EtlTransaction transaction;
	char *text;

	if (fetch->request != NULL && !aws_fetch_poll(fetch->request, wait))
		return NULL;
	/* A conversion is a function in the catalogs. */
	etl_transaction_enter(&transaction);
	text = decode(fetch->uri, &fetch->content);
	etl_transaction_leave(&transaction);
	return text;
}

char *
script_fetch(const char *uri)
{
	EtlScriptFetch *fetch = script_fetch_start(uri);
	EtlWait wait;
	char *text;

	while ((text = script_fetch_poll(fetch, &wait)) == NULL)
		http_wait(&wait);
	return text;
}
