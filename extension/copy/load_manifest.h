/*
 * load_manifest.h
 *		The manifest of a load:
 *
 *		{"entries": [{"url": "s3://bucket/key", "mandatory": true, "meta": {"content_length": 1}}, …]}
 *
 * It is a list of files, whether or not they are there: that is for the source to see. Members that aren't known are
 * passed over: the manifests that UNLOAD writes have more.
 */
#ifndef ETL_COPY_LOAD_MANIFEST_H
#define ETL_COPY_LOAD_MANIFEST_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "store/store.h"

typedef struct EtlManifestEntry
{
	EtlUri uri;
	bool mandatory;
	int64 content_length; /* -1: none given */
} EtlManifestEntry;

/* Of EtlManifestEntry *. `text` is UTF-8; `uri` is for errors. */
extern List *load_manifest_parse(const char *uri, const char *text);

#endif
