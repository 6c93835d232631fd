/*
 * date.h
 *		Times as the other side of a connection writes them: HTTP's in headers, ISO 8601's in documents. Pure.
 *
 * They are Unix time, from 1970 until the year 9999. What is written in any other way is none: of several readings one would
 * be a guess, and these decide by how much our clock is off and whose uploads are old.
 */
#ifndef ETL_NET_DATE_H
#define ETL_NET_DATE_H

#include "base/platform.h"

/* A Date or Last-Modified, "Sun, 06 Nov 1994 08:49:37 GMT"; the two obsolete forms are none. NULL: there is no such header. */
extern bool date_parse_http(const char *text, int64 *out);
/* 2026-11-20T01:02:03Z, with or without a fraction, which is left out. NULL: there is no such member. */
extern bool date_parse_iso(const char *text, int64 *out);

#endif
