/*
 * call.h
 *		One call of an AWS service that speaks the query protocol (form in, XML out) or JSON 1.1.
 */
#ifndef ETL_AWS_CALL_H
#define ETL_AWS_CALL_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/server.h"
#include "aws/xml.h"
#include "net/http.h"

typedef struct EtlAwsCall
{
	const EtlAwsServer *server;
	const EtlAwsCredentials *credentials; /* NULL: the current user's for the server */
	const char *service; /* as in its host name: "sns" */
	const char *action; /* "Publish" */
	const char *doing; /* for errors: could not <doing> "<object>" */
	const char *object;
} EtlAwsCall;

/* Query protocol. Raises when it fails. */
extern void aws_call_query(const EtlAwsCall *call, const EtlHttpField *parameters, int nparameters,
						   EtlXml *out);
/* JSON protocol: `input` is a JSON object; the answer's body goes to `out`. Raises when it fails. */
extern void aws_call_json(const EtlAwsCall *call, const char *input, StringInfo out);

#endif
