/*
 * invoke.h
 *		A call of any service in service.h by its name, with an object of JSON as its input and answer.
 */
#ifndef ETL_AWS_INVOKE_H
#define ETL_AWS_INVOKE_H

#include "postgres.h"

#include "aws/server.h"
#include "base/wait.h"
#include "utils/jsonb.h"

typedef struct EtlAwsInvocation
{
	const EtlAwsServer *server;
	const char *service; /* any of its names */
	const char *action;	 /* "ListFunctions"; a small first letter will do */
	Jsonb *input;
	/*
	 * The same for each repetition of this call: what an action that can tell one is told. NULL: something new, so that
	 * at least what is sent again after a broken connection is known.
	 */
	const char *idempotency_key;
	bool capitals; /* all members start with a capital, as in Step Functions, whatever the service has */
} EtlAwsInvocation;

typedef struct EtlAwsInvokeRun EtlAwsInvokeRun;

/* Raises 42704 for a service or action that is not known, 22023 for an input that can't be sent. */
extern EtlAwsInvokeRun *aws_invoke_start(const EtlAwsInvocation *invocation);
/* The form that doesn't wait (base/wait.h). Raises when it fails. */
extern bool aws_invoke_poll(EtlAwsInvokeRun *run, EtlWait *wait);
/* Wait right here until it is through. */
extern void aws_invoke_wait(EtlAwsInvokeRun *run);
/* The answer of one that is through, taken once. In the current context. */
extern Jsonb *aws_invoke_result(EtlAwsInvokeRun *run);

/* All of that in one, for a caller that has time. */
extern Jsonb *aws_invoke(const EtlAwsServer *server, const char *service, const char *action, Jsonb *input);

#endif
