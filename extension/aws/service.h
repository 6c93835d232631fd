/*
 * service.h
 *		The AWS services that can be called by name: how each is spoken to, and where. Pure.
 *
 * A service that speaks JSON, or a form, takes any action: its name goes into the request. One of REST has a table of
 * its actions, for each has a method and a path of its own.
 */
#ifndef ETL_AWS_SERVICE_H
#define ETL_AWS_SERVICE_H

#include "aws/names.h"
#include "base/platform.h"

typedef enum EtlAwsProtocol
{
	AWS_PROTOCOL_JSON,	/* the action in X-Amz-Target, JSON in and out */
	AWS_PROTOCOL_QUERY, /* a form in, XML out */
	AWS_PROTOCOL_EC2,	/* the same by EC2's rules */
	AWS_PROTOCOL_REST	/* method and path, JSON in and out */
} EtlAwsProtocol;

/* An action of a REST service. Lists are of "Member" or "Member=its name there", with blanks between. */
typedef struct EtlAwsRest
{
	const char *action;
	const char *method;
	const char *path;			/* {Member} stands for its value; may have a fixed query */
	const char *query;			/* members that go into the query; NULL: none */
	const char *headers;		/* members that go into headers */
	const char *payload;		/* the member that is the whole body; NULL: the rest is, as JSON */
	const char *answer_headers; /* members of the answer that come in headers */
	const char *answer_status;	/* the member that is the answer's HTTP status */
	const char *answer_payload; /* the member that is its whole body */
} EtlAwsRest;

typedef struct EtlAwsRestActions
{
	const EtlAwsRest *actions; /* sorted by action, in bytes; NULL: each is POST /Action, with JSON */
	int count;
} EtlAwsRestActions;

extern const EtlAwsRestActions batch_rest;
extern const EtlAwsRestActions lambda_rest;
extern const EtlAwsRestActions quicksight_rest;
extern const EtlAwsRestActions scheduler_rest;

typedef struct EtlAwsService
{
	const char *name;	/* the AWS command line's, mostly */
	const char *others; /* the names that SDKs and Step Functions have for it; blanks between; NULL: none */
	EtlAwsProtocol protocol;
	const char *version;	/* query, EC2: of the API. JSON: of the protocol, "1.0" or "1.1" */
	const char *target;		/* JSON: what precedes the action in X-Amz-Target */
	const char *host;		/* what its host names start with; NULL: its name */
	const char *signing;	/* the name it signs with; NULL: its name */
	const char *permission; /* the prefix of its IAM actions; NULL: its name */
	const EtlAwsNames *names;
	const EtlAwsRestActions *rest;
	const char *
		lower_maps; /* members start with a small letter: those that are maps; blanks around; NULL: with a capital */
} EtlAwsService;

/* By any of its names, letter case and hyphens aside; NULL: there is none. */
extern const EtlAwsService *service_find(const char *name);
/* All names, for a hint: "athena, batch, …". Allocated. */
extern char *service_names(void);
/* The row of a REST service's action; NULL: none, or the service needs none. */
extern const EtlAwsRest *service_rest(const EtlAwsService *service, const char *action);

/* "lambda:InvokeFunction": the IAM action it takes. Allocated. */
extern char *service_permission(const EtlAwsService *service, const char *action);
/* What its host name starts with besides, for this action: "sync-", or "". */
extern const char *service_host_prefix(const EtlAwsService *service, const char *action);
/* Why it can't be called; NULL: it can. */
extern const char *service_refusal(const EtlAwsService *service, const char *action);

/* Whether its answer holds what should be nowhere but with who asked: a secret's value, temporary credentials. */
extern bool service_is_secret(const EtlAwsService *service, const char *action);

/* The member of a request by which AWS knows one that it has had before, "ClientToken"; NULL: none. service_token.c */
extern const char *service_token(const char *service, const char *action);

/*
 * What an answer has when more follows, and what the next request is to have for it. The first that is there counts; one
 * with a dot is a member's member.
 */
typedef struct EtlAwsPaging
{
	const char *answer;
	const char *request;
} EtlAwsPaging;

extern const EtlAwsPaging service_pagings[];
extern const int service_npagings;

#endif
