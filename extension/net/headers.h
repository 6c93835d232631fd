/*
 * headers.h
 *		The headers of a response as they came, in memory of a fixed size. Pure.
 *
 * They are filled in a callback of libcurl's, so nothing here allocates or raises. Of headers with the same name the first
 * counts.
 */
#ifndef ETL_NET_HEADERS_H
#define ETL_NET_HEADERS_H

#include "base/platform.h"

typedef struct EtlHttpHeaders
{
	char *data; /* lines without what ends them, each with its NUL; `room` bytes of the caller's */
	size_t room;
	size_t size; /* of them taken */
} EtlHttpHeaders;

/*
 * A line as it came, with what ends it. A status line begins anew, since what came before was of an announcement (100
 * Continue). False: there is no room for it.
 */
extern bool http_headers_add(EtlHttpHeaders *headers, const char *line, size_t length);
/* The value of the header with this name, whatever case that is in, without the blanks around it; NULL: there is none. */
extern const char *http_headers_find(const EtlHttpHeaders *headers, const char *name);

#endif
