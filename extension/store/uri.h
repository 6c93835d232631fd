/*
 * uri.h
 *		S3 URIs: "s3://bucket/key". Pure; store_uri_parse (store.h) raises what this finds wrong.
 */
#ifndef ETL_STORE_URI_H
#define ETL_STORE_URI_H

#include "base/error.h"

#define STORE_KEY_MAX 1024 /* bytes; S3's limit */

/* Allocates bucket and key ("" when the URI has none) in the current context. False: 22023 with what is wrong. */
extern bool uri_split(const char *uri, char **bucket, char **key, EtlError *error);

#endif
