/*
 * redirect.h
 *		What S3 means when it sends a request elsewhere. Pure.
 *
 * A bucket is in one region, and is asked for there, signed for there. A request that went to another one, or was signed
 * for it, is told so: 301 PermanentRedirect, 400 AuthorizationHeaderMalformed, and, while a new bucket's name is not
 * known everywhere yet, 307 TemporaryRedirect.
 *
 * A request carries a body and perhaps a session token. So it goes on only to S3 itself, or, with an endpoint of the
 * server's own, to that or to a host below it; never from https to http.
 */
#ifndef ETL_AWS_REDIRECT_H
#define ETL_AWS_REDIRECT_H

#include "aws/endpoint.h"
#include "aws/error.h"

#define REDIRECT_REGION_SIZE 64
#define REDIRECT_HOST_SIZE 264

typedef struct EtlRedirect
{
	char region[REDIRECT_REGION_SIZE]; /* the bucket's; "": nothing new */
	char host[REDIRECT_HOST_SIZE]; /* host[:port] for this one request; "": the endpoint's, in that region */
} EtlRedirect;

/*
 * Where the request about the bucket is to go, that was sent to `endpoint` and signed for `region`; custom: that is no
 * endpoint of AWS's own. False: the answer is no redirect, or not one to follow.
 */
extern bool redirect_read(const EtlAwsFailure *failure, const char *bucket, const char *region,
						  const EtlEndpoint *endpoint, const char *custom, EtlRedirect *out);

#endif
