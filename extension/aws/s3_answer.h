/*
 * s3_answer.h
 *		What S3's answers say: listings, and the headers that come with objects. Pure.
 *
 * False: error->detail says what S3 would not have answered; s3_protocol_error (s3_request.h) raises that with the object's
 * name. What is returned is allocated in the current context, or points into the XML.
 */
#ifndef ETL_AWS_S3_ANSWER_H
#define ETL_AWS_S3_ANSWER_H

#include "aws/xml.h"
#include "base/error.h"
#include "datatype/timestamp.h"

typedef struct EtlS3Object
{
	char *key;
	uint64 size; /* bytes */
	char *etag;	 /* without the quotes S3 puts around it */
	TimestampTz last_modified;
	bool is_prefix; /* of a listing with a delimiter: nothing but the key is known */
	char *version;	/* of a listing of versions: its id */
	bool is_latest;
	bool is_delete_marker; /* what is left of an object that was deleted */
	char *mark;			   /* of a HEAD: what it was marked with as it was put; NULL: nothing */
} EtlS3Object;

/* A page of a listing: up to 1,000 objects in key order. */
typedef struct EtlS3Page
{
	EtlS3Object *objects;
	int count;
} EtlS3Page;

/* Where a listing goes on after a page. All NULL: nowhere; as the request of the first page has it, from the beginning. */
typedef struct EtlS3Marker
{
	const char *token; /* or, of versions, key and version */
	const char *key;
	const char *version;
} EtlS3Marker;

/*
 * A page of objects and its marker from the text as it came, `size` bytes and a NUL, without xml_parse: some ten times as fast.
 * False: it isn't written as S3 writes it, and xml_parse has to say what it is.
 */
extern bool s3_page_scan(const char *body, size_t size, EtlS3Page *page, EtlS3Marker *marker);
/* Keys are UTF-8. */
extern bool s3_page_parse(const EtlXml *xml, EtlS3Page *page, EtlError *error);
extern bool s3_marker_parse(const EtlXml *xml, bool versions, EtlS3Marker *marker, EtlError *error);
/* A listing that goes on at the same place would never end. */
extern bool s3_marker_is_same(const EtlS3Marker *a, const EtlS3Marker *b);
/*
 * The token of the next page by a look at the text, so that it can be asked for before this one is parsed. NULL when it isn't
 * that easy.
 */
extern char *s3_token_guess(const char *body);

/*
 * Keys are asked for percent-encoded, since XML can't hold every character that one may have: decode it, which is
 * UTF-8 as XML is, where it is. False also when it isn't UTF-8 any more then.
 */
extern bool s3_key_decode(char *key, EtlError *error);
/* Objects (or their versions, which stay as they are) and prefixes come one after the other, each in order of keys: merge them. */
extern void s3_page_order(EtlS3Page *page);

/* 2026-11-20T01:02:03.000Z; 0: it isn't one. */
extern TimestampTz s3_time_parse(const char *text);
/*
 * The value of an ETag header ("" for NULL) without the quotes that S3 puts around it. It becomes text in a database of any
 * encoding, so what is not ASCII goes as '?'.
 */
extern char *s3_etag_copy(const char *header);
/* A decimal number of bytes and nothing else. */
extern bool s3_size_parse(const char *text, uint64 *out);
/* A Content-Range, "bytes 0-99/1000"; `end` is 100. */
extern bool s3_range_parse(const char *text, uint64 *first, uint64 *end, uint64 *total);

#endif
