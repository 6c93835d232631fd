/*
 * sql_functions.c
 *		etl.aws_call, etl.aws_pages and etl.aws_caller_identity: services by their names, from SQL.
 */
#include "postgres.h"

#include "access/xact.h"
#include "aws/invoke.h"
#include "aws/service.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(pg_etl_aws_call);
PG_FUNCTION_INFO_V1(pg_etl_aws_pages);
PG_FUNCTION_INFO_V1(pg_etl_aws_caller_identity);

/* Arguments service, action, input and server, as both functions have them. */
static EtlAwsInvocation
take_arguments(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("service and action of an AWS call must not be null"));
	if (PG_ARGISNULL(2))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("the input of an AWS call must not be null"),
				errhint("An action that takes none takes {}."));
	return (EtlAwsInvocation){
		.server = aws_server_get(PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3))),
		.service = text_to_cstring(PG_GETARG_TEXT_PP(0)),
		.action = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.input = PG_GETARG_JSONB_P_COPY(2)};
}

static Jsonb *
call(const EtlAwsInvocation *invocation)
{
	EtlAwsInvokeRun *run;

	ForceSyncCommit(); /* what was called is not to be called again for a commit that a crash lost */
	run = aws_invoke_start(invocation);
	aws_invoke_wait(run);
	return aws_invoke_result(run);
}

Datum
pg_etl_aws_call(PG_FUNCTION_ARGS)
{
	EtlAwsInvocation invocation = take_arguments(fcinfo);

	PG_RETURN_JSONB_P(call(&invocation));
}

typedef struct Pages
{
	EtlAwsInvocation next; /* its input is that of the next page */
	JsonbValue *token;	   /* that this page was asked for with; NULL: it is the first */
	bool ended;
	MemoryContext context; /* of this page */
} Pages;

static JsonbValue *
member(Jsonb *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL);

	if (value == NULL || value->type == jbvNull || (value->type == jbvString && value->val.string.len == 0))
		return NULL;
	return value;
}

/* "Member", or "Member.Member" */
static JsonbValue *
member_at(Jsonb *answer, const char *path)
{
	const char *dot = strchr(path, '.');
	JsonbValue *outer;

	if (dot == NULL)
		return member(answer, path);
	outer = member(answer, pnstrdup(path, dot - path));
	if (outer == NULL || outer->type != jbvBinary || !JsonContainerIsObject(outer->val.binary.data))
		return NULL;
	return member(JsonbValueToJsonb(outer), dot + 1);
}

/* A member says that more follows, and none that is known says how to get it. */
static void
check_unknown(const Pages *pages, Jsonb *answer)
{
	JsonbIterator *iterator = JsonbIteratorInit(&answer->root);
	JsonbIteratorToken token;
	JsonbValue item;

	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		char *name;
		bool more;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(item.val.string.val, item.val.string.len);
		(void) JsonbIteratorNext(&iterator, &item, true);
		more = (item.type == jbvBool && item.val.boolean) ||
			   (item.type == jbvString && item.val.string.len == 4 &&
				strncmp(item.val.string.val, "true", 4) == 0);
		if (pg_strncasecmp(name, "next", 4) == 0 ? item.type == jbvString && item.val.string.len > 0
												 : more && (pg_strncasecmp(name, "HasMore", 7) == 0 ||
															pg_strcasecmp(name, "IsTruncated") == 0))
			ereport(
				ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("the pages of \"%s:%s\" can't be followed", pages->next.service, pages->next.action),
				errdetail(
					"Member \"%s\" of its answer says that there are more; how to ask for them is not known.",
					name),
				errhint("Call etl.aws_call for each."));
	}
}

static bool
same_token(JsonbValue *a, JsonbValue *b)
{
	Jsonb *x = JsonbValueToJsonb(a);
	Jsonb *y = JsonbValueToJsonb(b);

	return compareJsonbContainers(&x->root, &y->root) == 0;
}

/* Make the input of the page after this answer, or end. */
static void
turn_page(Pages *pages, Jsonb *answer)
{
	MemoryContext old = CurrentMemoryContext;
	JsonbParseState *state = NULL;
	JsonbValue *token = NULL;
	JsonbValue key = {.type = jbvString};
	Jsonb *change;
	int i;

	pages->ended = true;
	if (!JB_ROOT_IS_OBJECT(answer))
		return;
	for (i = 0; i < service_npagings && token == NULL; i++)
		token = member_at(answer, service_pagings[i].answer);
	if (token == NULL)
	{
		check_unknown(pages, answer);
		return;
	}
	if (pages->token != NULL && same_token(token, pages->token))
		return; /* the end of a stream of log events, which could go on later, is its own token */
	pages->ended = false;
	key.val.string.val = unconstify(char *, service_pagings[i - 1].request);
	key.val.string.len = strlen(key.val.string.val);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_VALUE, token);
	change = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	MemoryContextSwitchTo(GetMemoryChunkContext(pages));
	pages->next.input = DatumGetJsonbP(
		DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(pages->next.input), JsonbPGetDatum(change)));
	pages->token = member(pages->next.input, service_pagings[i - 1].request);
	MemoryContextSwitchTo(old);
}

Datum
pg_etl_aws_pages(PG_FUNCTION_ARGS)
{
	FuncCallContext *srf;
	MemoryContext old;
	Pages *pages;
	Jsonb *answer;

	if (SRF_IS_FIRSTCALL())
	{
		srf = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(srf->multi_call_memory_ctx);
		pages = palloc0(sizeof(Pages));
		pages->next = take_arguments(fcinfo);
		pages->context =
			AllocSetContextCreate(CurrentMemoryContext, "pg_etl AWS page", ALLOCSET_DEFAULT_SIZES);
		srf->user_fctx = pages;
		MemoryContextSwitchTo(old);
	}
	srf = SRF_PERCALL_SETUP();
	pages = srf->user_fctx;
	if (pages->ended)
		SRF_RETURN_DONE(srf);
	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(pages->context);
	old = MemoryContextSwitchTo(pages->context);
	answer = call(&pages->next);
	turn_page(pages, answer);
	MemoryContextSwitchTo(old);
	SRF_RETURN_NEXT(srf, JsonbPGetDatum(answer));
}

static Datum
identity_text(Jsonb *answer, const char *name)
{
	JsonbValue *value = member(answer, name);

	if (value == NULL || value->type != jbvString)
		ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("could not call \"sts:GetCallerIdentity\": unexpected answer"),
				errdetail("The answer has no %s.", name));
	return PointerGetDatum(cstring_to_text_with_len(value->val.string.val, value->val.string.len));
}

Datum
pg_etl_aws_caller_identity(PG_FUNCTION_ARGS)
{
	EtlAwsServer *server = aws_server_get(PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Jsonb *none = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	Jsonb *answer = aws_invoke(server, "sts", "GetCallerIdentity", none);
	Datum values[3];
	bool nulls[3] = {false};
	TupleDesc descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = identity_text(answer, "Account");
	values[1] = identity_text(answer, "Arn");
	values[2] = identity_text(answer, "UserId");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
