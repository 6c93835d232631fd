/*
 * s3_presign.c
 *		URLs that are signed, so that whoever has one needs no credentials. See s3.h.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "aws/s3_request.h"

#define LONGEST (7 * 24 * 3600) /* S3's rule */

char *
s3_object_presign(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				  const char *key, const char *method, int seconds)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE"};
	static const EtlHttpField payer = {"x-amz-request-payer", "requester"};
	EtlAwsRequest request = s3_request_make(server, credentials, NULL, bucket, key, "sign", NULL);

	for (int i = 0; i < lengthof(methods); i++)
		if (strcmp(method, methods[i]) == 0)
			request.method = methods[i];
	if (request.method == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot sign method \"%s\" for \"%s\"", method, request.action.object),
				errhint("It is GET, HEAD, PUT or DELETE."));
	if (seconds < 1 || seconds > LONGEST)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot sign a URL of \"%s\" for that long", request.action.object),
				errdetail("S3 takes from a second to seven days."));
	if (server->requester_pays)
	{
		request.query = &payer;
		request.nquery = 1;
	}
	return aws_request_presign(&request, seconds);
}
