/*
 * s3_list.c
 *		Listing objects, and their versions. See s3.h.
 *
 * While a page is looked at the next one is on its way: its token is looked for as soon as the page is there, before the
 * page is parsed. A page is up to 1,000 entries, and two are in memory.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "aws/s3_request.h"
#include "aws/xml.h"
#include "utils/memutils.h"

#define MAX_LISTING_SIZE (16 * 1024 * 1024)
#define MAX_QUERY 6

struct EtlS3Listing
{
	MemoryContext context;
	MemoryContext pages[2]; /* of the page that is looked at, and of the one that is on its way */
	int current;
	EtlAwsServer server;
	const EtlAwsCredentials *credentials;
	EtlS3ListSource source;
	const char *uri;	 /* for errors */
	EtlAwsFetch *fetch;	 /* of the next page; NULL: there is none */
	StringInfoData body; /* its, in its context */
	int body_size;		 /* of the page before, since this one will have as much */
	EtlS3Marker marker;	 /* where it begins, in its context, too */
};

static const char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

/* ---- the request for a page ---- */

static void
page_request(EtlS3Listing *listing, const EtlS3Marker *marker)
{
	EtlAwsRequest request =
		s3_request_make(&listing->server, listing->credentials, "GET", listing->source.bucket, NULL, "list",
						listing->source.versions ? "s3:ListBucketVersions" : "s3:ListBucket");
	EtlHttpField *query = palloc(MAX_QUERY * sizeof(EtlHttpField));
	int n = 0;
	EtlWait wait;

	request.action.object = listing->uri;
	listing->marker = (EtlS3Marker){.token = copy_text(marker->token),
									.key = copy_text(marker->key),
									.version = copy_text(marker->version)};
	if (listing->source.versions)
		query[n++] = (EtlHttpField){"versions", ""};
	else
		query[n++] = (EtlHttpField){"list-type", "2"};
	query[n++] = (EtlHttpField){"encoding-type", "url"};
	query[n++] = (EtlHttpField){"prefix", aws_text_to_utf8(listing->source.prefix)};
	if (listing->source.delimiter != NULL)
		query[n++] = (EtlHttpField){"delimiter", aws_text_to_utf8(listing->source.delimiter)};
	if (marker->token != NULL)
		query[n++] = (EtlHttpField){"continuation-token", marker->token};
	else if (listing->source.start_after != NULL)
		query[n++] = (EtlHttpField){"start-after", aws_text_to_utf8(listing->source.start_after)};
	if (marker->key != NULL)
		query[n++] = (EtlHttpField){"key-marker", marker->key};
	if (marker->version != NULL)
		query[n++] = (EtlHttpField){"version-id-marker", marker->version};
	Assert(n <= MAX_QUERY);
	request.query = query;
	request.nquery = n;
	initStringInfo(&listing->body);
	enlargeStringInfo(&listing->body, listing->body_size);
	listing->fetch = aws_fetch_start(&request, MAX_LISTING_SIZE, &listing->body);
	/* Send it, at least. */
	if (!aws_fetch_poll(listing->fetch, &wait))
		http_drive();
}

static void
page_read(const EtlS3Listing *listing, const StringInfo body, EtlS3Page *page, EtlS3Marker *marker)
{
	EtlXml xml;
	EtlError error;

	if (!listing->source.versions && s3_page_scan(body->data, body->len, page, marker))
		return;
	if (!xml_parse(body->data, body->len, &xml, &error) || !s3_page_parse(&xml, page, &error) ||
		!s3_marker_parse(&xml, listing->source.versions, marker, &error))
		s3_protocol_error(listing->uri, error.detail);
}

/* ---- a listing ---- */

static void
keys_error_callback(void *uri)
{
	errcontext("the keys that begin with \"%s\"", (const char *) uri);
}

/* To the database's encoding, which may lack a character. */
static void
keys_convert(const EtlS3Listing *listing, EtlS3Page *page)
{
	ErrorContextCallback callback = {error_context_stack, keys_error_callback, unconstify(char *, listing->uri)};

	error_context_stack = &callback;
	for (int i = 0; i < page->count; i++)
		page->objects[i].key = aws_text_from_utf8(page->objects[i].key);
	error_context_stack = callback.previous;
}

EtlS3Listing *
s3_listing_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
				 const EtlS3ListSource *source)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl s3 listing", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	EtlS3Listing *listing = palloc0(sizeof(EtlS3Listing));
	EtlS3Marker first = {NULL};

	s3_key_check(source->prefix);
	if (source->start_after != NULL)
		s3_key_check(source->start_after);
	if (source->delimiter != NULL)
		aws_text_check("the delimiter of a listing", source->delimiter);
	listing->context = context;
	listing->server = *server;
	listing->credentials = credentials != NULL ? credentials : aws_credentials_get(server);
	listing->source = *source;
	listing->uri = psprintf("s3://%s/%s", source->bucket, source->prefix);
	for (int i = 0; i < 2; i++)
		listing->pages[i] = AllocSetContextCreate(context, "pg_etl s3 page", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(listing->pages[0]);
	page_request(listing, &first);
	MemoryContextSwitchTo(caller);
	return listing;
}

bool
s3_listing_next(EtlS3Listing *listing, EtlS3Page *page)
{
	MemoryContext here = listing->pages[listing->current];
	MemoryContext next = listing->pages[1 - listing->current];
	MemoryContext caller;
	StringInfoData body;
	EtlS3Marker guess = {NULL};
	EtlS3Marker marker;
	EtlS3Marker before;
	EtlWait wait;
	bool goes_on;

	if (listing->fetch == NULL)
		return false;
	caller = MemoryContextSwitchTo(here);
	while (!aws_fetch_poll(listing->fetch, &wait))
		http_wait(&wait);
	listing->fetch = NULL;
	body = listing->body;
	listing->body_size = body.len;
	before = listing->marker;
	MemoryContextReset(next); /* of the page before */
	if (!listing->source.versions && (guess.token = s3_token_guess(body.data)) != NULL)
	{
		MemoryContextSwitchTo(next);
		page_request(listing, &guess);
		MemoryContextSwitchTo(here);
	}
	page_read(listing, &body, page, &marker);
	keys_convert(listing, page);
	goes_on = marker.token != NULL || marker.key != NULL;
	if (goes_on && s3_marker_is_same(&marker, &before))
		s3_protocol_error(listing->uri, "The listing goes on where it began.");
	if (listing->fetch != NULL && (!goes_on || strcmp(marker.token, guess.token) != 0))
	{
		MemoryContextReset(next);
		listing->fetch = NULL;
	}
	if (goes_on && listing->fetch == NULL)
	{
		MemoryContextSwitchTo(next);
		page_request(listing, &marker);
	}
	listing->current = 1 - listing->current;
	MemoryContextSwitchTo(caller);
	return true;
}

void
s3_listing_end(EtlS3Listing *listing)
{
	MemoryContextDelete(listing->context);
}
