/*
 * endpoint.h
 *		Where a service listens: AWS's own host for it in a region, or the server's custom endpoint. Pure.
 */
#ifndef ETL_AWS_ENDPOINT_H
#define ETL_AWS_ENDPOINT_H

#include "base/error.h"

typedef struct EtlEndpoint
{
	char *base; /* "https://host[:port]", no slash at the end */
	char *host; /* "host[:port]": the Host header, which is signed */
	char *path; /* "" or "/bucket" */
} EtlEndpoint;

/* The endpoint of service in region; `custom` ("http[s]://host[:port]") takes its place when not NULL. */
extern bool endpoint_service(const char *service, const char *region, const char *custom, EtlEndpoint *out,
							 EtlError *error);
/* As above for an S3 bucket: in the host name, or in the path when asked to or when a host can't hold it. */
extern bool endpoint_s3(const char *region, const char *custom, bool path_style, const char *bucket,
						EtlEndpoint *out, EtlError *error);

/* A bucket's name as S3 allows it. */
extern bool endpoint_bucket_check(const char *bucket, EtlError *error);
/* A region's name: what it may consist of, not whether it exists. */
extern bool endpoint_region_check(const char *region, EtlError *error);
/* A custom endpoint: scheme, host and port, nothing else. */
extern bool endpoint_custom_check(const char *endpoint, EtlError *error);

#endif
