/*
 * call.c
 *		Service calls that need no more than their protocol. See call.h.
 */
#include "postgres.h"

#include "aws/call.h"
#include "aws/request.h"
#include "aws/sigv4.h"

#define MAX_ANSWER_SIZE (8 * 1024 * 1024)

struct EtlAwsCallRun
{
	const char *doing;
	const char *object;
	EtlAwsServer server; /* as the call has it, but for the region that is signed for */
	StringInfoData answer;
	EtlAwsFetch *fetch;
};

static const EtlAwsService *
service_get(const EtlAwsCall *call)
{
	const EtlAwsService *service = service_find(call->service);

	if (service == NULL)
		elog(ERROR, "unknown AWS service \"%s\"", call->service);
	return service;
}

static EtlEndpoint
endpoint_get(const EtlAwsServer *server, const EtlAwsService *service, const char *action)
{
	EtlEndpointOptions options = {server->endpoint, server->use_fips, server->use_dualstack,
								  server->path_style};
	const char *prefix = service_host_prefix(service, action);
	EtlEndpoint endpoint;
	EtlError error;

	if (!endpoint_service(service->host != NULL ? service->host : service->name, server->region, &options,
						  &endpoint, &error))
		etl_error_raise(&error);
	if (*prefix && server->endpoint == NULL)
	{
		endpoint.host = psprintf("%s%s", prefix, endpoint.host);
		endpoint.base = psprintf("https://%s", endpoint.host);
	}
	return endpoint;
}

EtlAwsCallRun *
aws_call_message_start(const EtlAwsCall *call, const EtlAwsMessage *message)
{
	const EtlAwsService *service = service_get(call);
	EtlAwsCallRun *run = palloc0(sizeof(EtlAwsCallRun));
	EtlHttpField *headers = palloc(sizeof(message->headers));
	EtlAwsRequest request = {.server = &run->server,
							 .credentials = call->credentials != NULL ? call->credentials
																	  : aws_credentials_get(call->server),
							 .action = {.doing = call->doing,
										.object = call->object,
										.permission = service_permission(service, call->action),
										.server = call->server->name},
							 .service = service->signing != NULL ? service->signing : service->name,
							 .method = message->method,
							 .path = message->path,
							 .query = message->query,
							 .nquery = message->nquery,
							 .headers = headers,
							 .nheaders = message->nheaders,
							 .body = {.data = message->body, .fd = -1, .size = strlen(message->body)},
							 .progress = call->progress,
							 .timeout_ms = call->timeout_ms};

	memcpy(headers, message->headers, sizeof(message->headers));
	run->server = *call->server;
	request.endpoint = endpoint_get(call->server, service, call->action);
	run->server.region = request.endpoint.region;
	run->doing = call->doing;
	run->object = call->object;
	initStringInfo(&run->answer);
	run->fetch = aws_fetch_start(&request, MAX_ANSWER_SIZE, &run->answer);
	return run;
}

EtlAwsCallRun *
aws_call_query_start(const EtlAwsCall *call, const EtlHttpField *parameters, int nparameters)
{
	EtlHttpField *form = palloc((nparameters + 2) * sizeof(EtlHttpField));
	EtlAwsMessage message = {
		.method = "POST",
		.path = "/",
		.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
		.nheaders = 1};

	form[0] = (EtlHttpField){"Action", call->action};
	form[1] = (EtlHttpField){"Version", service_get(call)->version};
	if (nparameters > 0)
		memcpy(form + 2, parameters, nparameters * sizeof(EtlHttpField));
	message.body = sigv4_query_string(form, nparameters + 2);
	return aws_call_message_start(call, &message);
}

EtlAwsCallRun *
aws_call_json_start(const EtlAwsCall *call, const char *input)
{
	const EtlAwsService *service = service_get(call);
	EtlAwsMessage message = {
		.method = "POST",
		.path = "/",
		.headers = {{"Content-Type", psprintf("application/x-amz-json-%s", service->version)},
					{"X-Amz-Target", psprintf("%s.%s", service->target, call->action)}},
		.nheaders = 2,
		.body = unconstify(char *, input)};

	return aws_call_message_start(call, &message);
}

bool
aws_call_poll(EtlAwsCallRun *run, EtlWait *wait)
{
	return aws_fetch_poll(run->fetch, wait);
}

void
aws_call_wait(EtlAwsCallRun *run)
{
	EtlWait wait;

	while (!aws_call_poll(run, &wait))
		http_wait(&wait);
}

StringInfo
aws_call_answer(EtlAwsCallRun *run)
{
	return &run->answer;
}

int
aws_call_status(const EtlAwsCallRun *run)
{
	return aws_fetch_status(run->fetch);
}

const char *
aws_call_header(const EtlAwsCallRun *run, const char *name)
{
	return aws_fetch_header(run->fetch, name);
}
