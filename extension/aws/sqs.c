/*
 * sqs.c
 *		etl.sqs_send, etl.sqs_receive and etl.sqs_delete: a queue's messages.
 *
 * Receiving waits at AWS's end (long polling), 20 s at a time, and can be cancelled at any moment; a message that was on
 * its way then comes again after its visibility timeout, as SQS has it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "aws/invoke.h"
#include "base/clock.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MAX_BATCH 10  /* messages that SQS hands out at a time */
#define MAX_WAIT_S 20 /* that it holds a request for */
#define MAX_VISIBILITY_S (12 * 60 * 60)
#define MAX_DELAY_S (15 * 60)

PG_FUNCTION_INFO_V1(pg_etl_sqs_send);
PG_FUNCTION_INFO_V1(pg_etl_sqs_receive);
PG_FUNCTION_INFO_V1(pg_etl_sqs_delete);

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static void
need_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name));
}

/* Whole seconds between 0 and max. */
static int
seconds_argument(FunctionCallInfo fcinfo, int n, const char *name, int max)
{
	Interval *interval = PG_GETARG_INTERVAL_P(n);
	double seconds = interval->month * 30.0 * SECS_PER_DAY + interval->day * (double) SECS_PER_DAY +
					 (double) interval->time / USECS_PER_SEC;

	if (seconds < 0 || seconds > max)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid %s", name),
				errdetail("It is %g seconds, and may be 0 to %d.", seconds, max));
	return (int) seconds;
}

static void
add_text(StringInfo input, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(input, "%s\"%s\": ", input->len > 1 ? ", " : "", name);
	escape_json(input, value);
}

static Jsonb *
finish(StringInfo input)
{
	appendStringInfoChar(input, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(input->data)));
}

/* A string or a number as SQS's {"DataType": …, "StringValue": …}; what is that already, as it is. */
static void
add_attribute(StringInfo input, const char *name, JsonbValue *value)
{
	escape_json(input, name);
	appendStringInfoString(input, ": ");
	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
	{
		JsonbToCString(input, value->val.binary.data, value->val.binary.len);
		return;
	}
	if (value->type != jbvString && value->type != jbvNumeric)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid SQS message attribute \"%s\"", name),
				errhint("A value is a string, a number, or {\"DataType\": ..., \"StringValue\": ...}."));
	appendStringInfo(
		input, "{\"DataType\": \"%s\", \"StringValue\": ", value->type == jbvString ? "String" : "Number");
	escape_json(input,
				value->type == jbvString
					? pnstrdup(value->val.string.val, value->val.string.len)
					: DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric))));
	appendStringInfoChar(input, '}');
}

static void
add_attributes(StringInfo input, Jsonb *attributes)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;
	int count = 0;

	if (!JB_ROOT_IS_OBJECT(attributes))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("SQS message attributes are not a JSON object"));
	appendStringInfoString(input, ", \"MessageAttributes\": {");
	iterator = JsonbIteratorInit(&attributes->root);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		char *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(item.val.string.val, item.val.string.len);
		(void) JsonbIteratorNext(&iterator, &item, true);
		appendStringInfoString(input, count++ > 0 ? ", " : "");
		add_attribute(input, name, &item);
	}
	appendStringInfoChar(input, '}');
}

static JsonbValue *
member(Jsonb *object, const char *name)
{
	return getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL);
}

static char *
member_text(Jsonb *object, const char *name)
{
	JsonbValue *value = member(object, name);

	return value == NULL || value->type != jbvString ? NULL
													 : pnstrdup(value->val.string.val, value->val.string.len);
}

static void
unexpected_answer(const char *action, const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("could not call \"sqs:%s\": unexpected answer", action),
			errdetail("%s", detail));
}

Datum
pg_etl_sqs_send(PG_FUNCTION_ARGS)
{
	StringInfoData input;
	char *message_id;

	need_argument(fcinfo, 0, "queue_url");
	need_argument(fcinfo, 1, "body");
	initStringInfo(&input);
	appendStringInfoChar(&input, '{');
	add_text(&input, "QueueUrl", text_argument(fcinfo, 0));
	add_text(&input, "MessageBody", text_argument(fcinfo, 1));
	if (!PG_ARGISNULL(2))
		add_attributes(&input, PG_GETARG_JSONB_P(2));
	add_text(&input, "MessageGroupId", text_argument(fcinfo, 3));
	add_text(&input, "MessageDeduplicationId", text_argument(fcinfo, 4));
	if (!PG_ARGISNULL(5))
		appendStringInfo(&input, ", \"DelaySeconds\": %d", seconds_argument(fcinfo, 5, "delay", MAX_DELAY_S));
	ForceSyncCommit(); /* a message is not to be sent again for a commit that a crash lost */
	message_id = member_text(
		aws_invoke(aws_server_get(text_argument(fcinfo, 6)), "sqs", "SendMessage", finish(&input)),
		"MessageId");
	if (message_id == NULL)
		unexpected_answer("SendMessage", "The answer has no MessageId.");
	PG_RETURN_TEXT_P(cstring_to_text(message_id));
}

static void
put_message(ReturnSetInfo *rows, Jsonb *message)
{
	static const char *const texts[] = {"MessageId", "ReceiptHandle", "Body"};
	static const char *const objects[] = {"MessageAttributes", "Attributes"};
	Datum values[lengthof(texts) + lengthof(objects)];
	bool nulls[lengthof(values)];

	for (int i = 0; i < lengthof(texts); i++)
	{
		char *text = member_text(message, texts[i]);

		nulls[i] = text == NULL;
		values[i] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
	}
	for (int i = 0; i < lengthof(objects); i++)
	{
		JsonbValue *value = member(message, objects[i]);
		int n = lengthof(texts) + i;

		nulls[n] = value == NULL;
		values[n] = value == NULL ? (Datum) 0 : JsonbPGetDatum(JsonbValueToJsonb(value));
	}
	tuplestore_putvalues(rows->setResult, rows->setDesc, values, nulls);
}

/* One request; how many messages came. */
static int
receive_batch(const EtlAwsServer *server, const char *queue_url, int count, int wait_s, int visibility_s,
			  ReturnSetInfo *rows)
{
	StringInfoData input;
	JsonbValue *messages;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;
	int received = 0;

	initStringInfo(&input);
	appendStringInfoChar(&input, '{');
	add_text(&input, "QueueUrl", queue_url);
	appendStringInfo(
		&input,
		", \"MaxNumberOfMessages\": %d, \"WaitTimeSeconds\": %d, \"MessageAttributeNames\": [\"All\"], "
		"\"AttributeNames\": [\"All\"]",
		count, wait_s);
	if (visibility_s >= 0)
		appendStringInfo(&input, ", \"VisibilityTimeout\": %d", visibility_s);
	messages = member(aws_invoke(server, "sqs", "ReceiveMessage", finish(&input)), "Messages");
	if (messages == NULL || messages->type == jbvNull)
		return 0;
	if (messages->type != jbvBinary || !JsonContainerIsArray(messages->val.binary.data))
		unexpected_answer("ReceiveMessage", "Its Messages are not an array.");
	iterator = JsonbIteratorInit(messages->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (item.type != jbvBinary || !JsonContainerIsObject(item.val.binary.data))
			unexpected_answer("ReceiveMessage", "One of its Messages is not an object.");
		put_message(rows, JsonbValueToJsonb(&item));
		received++;
	}
	return received;
}

Datum
pg_etl_sqs_receive(PG_FUNCTION_ARGS)
{
	EtlAwsServer *server;
	char *queue_url;
	int wanted, visibility_s, received = 0;
	int64 until_ms;
	MemoryContext context, caller = CurrentMemoryContext;

	need_argument(fcinfo, 0, "queue_url");
	need_argument(fcinfo, 1, "max_messages");
	need_argument(fcinfo, 2, "wait");
	queue_url = text_argument(fcinfo, 0);
	wanted = PG_GETARG_INT32(1);
	if (wanted < 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_messages must be at least 1"));
	until_ms = clock_monotonic_ms() + INT64CONST(1000) * seconds_argument(fcinfo, 2, "wait", SECS_PER_DAY);
	visibility_s = PG_ARGISNULL(3) ? -1 : seconds_argument(fcinfo, 3, "visibility", MAX_VISIBILITY_S);
	if (visibility_s == 0 && wanted > MAX_BATCH)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("max_messages must be at most %d when messages stay visible", MAX_BATCH),
				errdetail("SQS hands out %d at a time, and would hand out the same ones again.", MAX_BATCH));
	server = aws_server_get(text_argument(fcinfo, 4));
	InitMaterializedSRF(fcinfo, 0);
	context = AllocSetContextCreate(caller, "pg_etl SQS batch", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		int64 left_s = (until_ms - clock_monotonic_ms() + 999) / 1000;
		int batch = Min(wanted - received, MAX_BATCH);
		int count;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		/* with some in hand, see what else is there at once */
		count =
			receive_batch(server, queue_url, batch, received > 0 ? 0 : (int) Max(Min(left_s, MAX_WAIT_S), 0),
						  visibility_s, (ReturnSetInfo *) fcinfo->resultinfo);
		MemoryContextSwitchTo(caller);
		received += count;
		if (received >= wanted || (received > 0 && count < batch) || (received == 0 && left_s <= MAX_WAIT_S))
			break;
	}
	MemoryContextDelete(context);
	return (Datum) 0;
}

Datum
pg_etl_sqs_delete(PG_FUNCTION_ARGS)
{
	StringInfoData input;

	need_argument(fcinfo, 0, "queue_url");
	need_argument(fcinfo, 1, "receipt_handle");
	initStringInfo(&input);
	appendStringInfoChar(&input, '{');
	add_text(&input, "QueueUrl", text_argument(fcinfo, 0));
	add_text(&input, "ReceiptHandle", text_argument(fcinfo, 1));
	aws_invoke(aws_server_get(text_argument(fcinfo, 2)), "sqs", "DeleteMessage", finish(&input));
	PG_RETURN_VOID();
}
