/*
 * call.c
 *		Service calls that need no more than their protocol. See call.h.
 */
#include "postgres.h"

#include "aws/call.h"
#include "aws/request.h"
#include "aws/sigv4.h"

#define MAX_ANSWER_SIZE (8 * 1024 * 1024)

/* A service gets a file of its own only when it needs more than this. */
typedef struct Service
{
	const char *name; /* in its host name, in IAM actions and as signing name */
	const char *version; /* query protocol: of its API */
	const char *target; /* JSON protocol: what precedes the action in X-Amz-Target */
} Service;

static const Service services[] = {
	{.name = "secretsmanager", .target = "secretsmanager"},
	{.name = "sns", .version = "2010-03-31"},
	{.name = "sts", .version = "2011-06-15"},
};

static const Service *
service_find(const char *name)
{
	for (int i = 0; i < lengthof(services); i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	elog(ERROR, "unknown AWS service \"%s\"", name);
}

static void
call_fetch(const EtlAwsCall *call, const EtlHttpField *headers, int nheaders, const char *body,
		   size_t body_size, StringInfo out)
{
	EtlAwsRequest request = {.server = call->server,
							 .credentials = call->credentials,
							 .action = {.doing = call->doing,
										.object = call->object,
										.permission = psprintf("%s:%s", call->service, call->action),
										.server = call->server->name},
							 .service = call->service,
							 .method = "POST",
							 .path = "/",
							 .headers = headers,
							 .nheaders = nheaders,
							 .body = {.data = body, .fd = -1, .size = body_size}};
	EtlError error;

	if (!endpoint_service(call->service, call->server->region, call->server->endpoint, &request.endpoint,
						  &error))
		etl_error_raise(&error);
	initStringInfo(out);
	aws_request_fetch(&request, MAX_ANSWER_SIZE, out);
}

void
aws_call_query(const EtlAwsCall *call, const EtlHttpField *parameters, int nparameters, EtlXml *out)
{
	static const EtlHttpField headers[] = {
		{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
	const Service *service = service_find(call->service);
	EtlHttpField *form = palloc((nparameters + 2) * sizeof(EtlHttpField));
	StringInfoData answer;
	EtlError error;
	char *body;

	form[0] = (EtlHttpField){"Action", call->action};
	form[1] = (EtlHttpField){"Version", service->version};
	if (nparameters > 0)
		memcpy(form + 2, parameters, nparameters * sizeof(EtlHttpField));
	body = sigv4_query_string(form, nparameters + 2);
	call_fetch(call, headers, lengthof(headers), body, strlen(body), &answer);
	if (!xml_parse(answer.data, answer.len, out, &error))
		ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("could not %s \"%s\": unexpected answer", call->doing, call->object),
				errdetail("%s", error.detail));
	explicit_bzero(answer.data, answer.len);
	pfree(answer.data);
	pfree(body);
	pfree(form);
}

void
aws_call_json(const EtlAwsCall *call, const char *input, StringInfo out)
{
	const Service *service = service_find(call->service);
	EtlHttpField headers[] = {{"Content-Type", "application/x-amz-json-1.1"},
							  {"X-Amz-Target", psprintf("%s.%s", service->target, call->action)}};

	call_fetch(call, headers, lengthof(headers), input, strlen(input), out);
}
