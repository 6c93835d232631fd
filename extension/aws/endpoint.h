/*
 * endpoint.h
 *		Where a service listens: AWS's own host for it in a region, or the server's custom endpoint. Pure.
 */
#ifndef ETL_AWS_ENDPOINT_H
#define ETL_AWS_ENDPOINT_H

#include "base/error.h"

typedef struct EtlEndpoint
{
	char *base;	  /* "https://host[:port]", no slash at the end */
	char *host;	  /* "host[:port]": the Host header, which is signed */
	char *path;	  /* "" or "/bucket" */
	char *region; /* to sign for: the region asked for, but for a service that a partition has one of */
} EtlEndpoint;

/* What a foreign server says of its endpoints. */
typedef struct EtlEndpointOptions
{
	const char *custom; /* "http[s]://host[:port]" in place of AWS's own; NULL: none */
	bool fips;			/* AWS's FIPS 140 endpoints */
	bool dualstack;		/* AWS's endpoints with IPv6 */
	bool path_style;	/* S3: the bucket in the path in any case */
} EtlEndpointOptions;

/*
 * The endpoint in region of the service whose host names start with `service` ("sns", "elasticmapreduce"): by the
 * rules of the region's partition (aws, aws-cn, aws-us-gov, aws-eusc and the iso ones). A partition that has no such
 * endpoint is an error (0A000).
 */
extern bool endpoint_service(const char *service, const char *region, const EtlEndpointOptions *options,
							 EtlEndpoint *out, EtlError *error);
/* As above for an S3 bucket: in the host name, or in the path when asked to or when a host can't hold it. */
extern bool endpoint_s3(const char *region, const EtlEndpointOptions *options, const char *bucket,
						EtlEndpoint *out, EtlError *error);

/* A bucket's name as S3 allows it. */
extern bool endpoint_bucket_check(const char *bucket, EtlError *error);
/* A region's name: what it may consist of, not whether it exists. */
extern bool endpoint_region_check(const char *region, EtlError *error);
/* A custom endpoint: scheme, host and port, nothing else. */
extern bool endpoint_custom_check(const char *endpoint, EtlError *error);

#endif
