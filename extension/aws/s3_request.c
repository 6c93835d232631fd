/*
 * s3_request.c
 *		What every request to S3 and every answer of it has in common. See s3_request.h.
 */
#include "postgres.h"

#include "aws/s3_request.h"
#include "aws/sigv4.h"

#define MAX_KEY_SIZE 1024

void
s3_key_check(const char *key)
{
	aws_text_check("the key of an S3 object", key);
	if (strlen(key) > MAX_KEY_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("key of S3 object is too long"),
				errdetail("It has %zu bytes, S3 takes %d.", strlen(key), MAX_KEY_SIZE));
}

EtlAwsRequest
s3_request_make(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *method,
				const char *bucket, const char *key, const char *doing, const char *permission)
{
	EtlAwsRequest request = {.server = server, .service = "s3", .method = method, .body = {.fd = -1}};
	StringInfoData path;
	EtlError error;

	if (server->mode != ETL_AWS_MODE_AWS)
		elog(ERROR, "server \"%s\" is in local mode", server->name);
	request.credentials = credentials != NULL ? credentials : aws_credentials_get(server);
	if (!endpoint_s3(server->region,
					 &(EtlEndpointOptions){server->endpoint, server->use_fips, server->use_dualstack,
										   server->path_style},
					 bucket, &request.endpoint, &error))
		etl_error_raise(&error);
	request.bucket = pstrdup(bucket);
	initStringInfo(&path);
	appendStringInfoChar(&path, '/');
	if (key != NULL)
	{
		s3_key_check(key);
		sigv4_encode(&path, aws_text_to_utf8(key), true);
	}
	request.path = path.data;
	request.action = (EtlAwsAction){.doing = doing,
									.object = psprintf("s3://%s/%s", bucket, key != NULL ? key : ""),
									.permission = permission,
									.server = server->name};
	return request;
}

void
s3_request_version(EtlAwsRequest *request, const char *version)
{
	EtlHttpField *query;

	if (version == NULL)
		return;
	aws_text_check("a version's id", version);
	query = palloc(sizeof(EtlHttpField));
	*query = (EtlHttpField){"versionId", version};
	request->query = query;
	request->nquery = 1;
	request->action.permission = "s3:GetObjectVersion";
}

void
s3_xml_append(StringInfo out, const char *text)
{
	for (; *text; text++)
	{
		switch (*text)
		{
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			default:
				appendStringInfoChar(out, *text);
		}
	}
}

void
s3_protocol_error(const char *uri, const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("unexpected answer from S3 about \"%s\"", uri),
			errdetail("%s", detail));
}

void
s3_answer_raise(const char *uri, const EtlError *error)
{
	if (error->sqlstate == ERRCODE_PROTOCOL_VIOLATION)
		s3_protocol_error(uri, error->detail);
	etl_error_raise(error);
}
