/*
 * call.h
 *		One call of an AWS service that has no file of its own, over the protocol that it speaks.
 *
 * Calls that pg_etl makes for itself build their own form or JSON here; what users call by name is in invoke.h.
 */
#ifndef ETL_AWS_CALL_H
#define ETL_AWS_CALL_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/protocol.h"
#include "aws/server.h"
#include "net/http.h"

typedef struct EtlAwsCall
{
	const EtlAwsServer *server;
	const EtlAwsCredentials *credentials; /* NULL: the current user's for the server */
	const char *service; /* a name in service.h: "sns" */
	const char *action; /* "Publish" */
	const char *doing; /* for errors: could not <doing> "<object>" */
	const char *object;
	bool *progress; /* see EtlHttpRequest */
	int timeout_ms; /* of an attempt; 0: as long as something moves */
} EtlAwsCall;

/*
 * Without waiting (base/wait.h): a call by query protocol or, with a JSON object as input, by JSON, or a message of any
 * protocol. Server, credentials and texts must stay as they are until it is through. Polling raises when it
 * fails.
 */
typedef struct EtlAwsCallRun EtlAwsCallRun;
extern EtlAwsCallRun *aws_call_query_start(const EtlAwsCall *call, const EtlHttpField *parameters, int nparameters);
extern EtlAwsCallRun *aws_call_json_start(const EtlAwsCall *call, const char *input);
extern EtlAwsCallRun *aws_call_message_start(const EtlAwsCall *call, const EtlAwsMessage *message);
extern bool aws_call_poll(EtlAwsCallRun *run, EtlWait *wait);
/* Wait right here until it is through. */
extern void aws_call_wait(EtlAwsCallRun *run);
/* The answer of one that is through, as it came. */
extern StringInfo aws_call_answer(EtlAwsCallRun *run);
/* Its status, and a header or NULL. */
extern int aws_call_status(const EtlAwsCallRun *run);
extern const char *aws_call_header(const EtlAwsCallRun *run, const char *name);

#endif
