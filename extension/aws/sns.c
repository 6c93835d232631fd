/*
 * sns.c
 *		Publish. See sns.h.
 *
 * What SNS would refuse is refused here first, with words that name the limit; so local mode refuses it too, and a
 * pipeline that was developed there has no surprise later.
 */
#include "postgres.h"

#include "access/xact.h"
#include "aws/call.h"
#include "aws/local_topic.h"
#include "aws/request.h"
#include "aws/sns.h"
#include "aws/sns_answer.h"
#include "fmgr.h"
#include "utils/builtins.h"

#define MAX_MESSAGE_SIZE (256 * 1024) /* attributes included */
#define MAX_SUBJECT_SIZE 100
#define MAX_NAME_SIZE 256
#define MAX_ATTRIBUTES 100
#define DEFAULT_GROUP "pg_etl"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

PG_FUNCTION_INFO_V1(pg_etl_notify_sns);

/* The parameters of a Publish, and the size SNS counts. */
typedef struct Form
{
	EtlHttpField *fields;
	int nfields;
	size_t size;
} Form;

static void
add_field(Form *form, const char *name, const char *value)
{
	form->fields[form->nfields++] = (EtlHttpField){name, value};
}

/* arn:aws:sns:region:account:name; returns the region, a copy. */
static char *
check_topic(const char *topic_arn)
{
	const char *service = strstr(topic_arn, ":sns:");
	const char *region = service != NULL ? service + strlen(":sns:") : NULL;
	const char *account = region != NULL ? strchr(region, ':') : NULL;
	const char *name = account != NULL ? account + 14 : NULL; /* ":", 12 digits, ":" */
	size_t length;
	EtlError error;
	char *copy;

	if (strncmp(topic_arn, "arn:aws", 7) == 0 && account != NULL && strspn(account + 1, "0123456789") == 12 &&
		name[-1] == ':')
	{
		length = strspn(name, NAME_CHARACTERS);
		copy = pnstrdup(region, account - region);
		if (length > 0 && strlen(name) <= MAX_NAME_SIZE &&
			(name[length] == '\0' || strcmp(name + length, ".fifo") == 0) &&
			endpoint_region_check(copy, &error))
			return copy;
	}
	aws_text_check("the ARN of an SNS topic", topic_arn);
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid SNS topic ARN \"%s\"", topic_arn),
			errhint("It looks like arn:aws:sns:us-east-1:123456789012:name."));
}

static bool
is_fifo(const char *topic_arn)
{
	size_t length = strlen(topic_arn);

	return length > 5 && strcmp(topic_arn + length - 5, ".fifo") == 0;
}

static void
check_subject(const char *subject)
{
	size_t length = strlen(subject);

	if (length == 0 || length > MAX_SUBJECT_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid length of an SNS subject"),
				errdetail("It has %zu bytes; SNS takes 1 to %d.", length, MAX_SUBJECT_SIZE));
	for (size_t i = 0; i < length; i++)
		if (subject[i] < 0x20 || subject[i] == 0x7F || (subject[i] & 0x80) || (i == 0 && subject[i] == ' '))
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid character in an SNS subject"),
					errdetail("Byte %zu of it is not allowed.", i + 1),
					errhint("A subject is one line of ASCII text that does not start with a blank."));
}

static void
check_size(size_t size)
{
	if (size > MAX_MESSAGE_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("SNS message is too long"),
				errdetail("It has %zu bytes with its attributes; SNS takes %d.", size, MAX_MESSAGE_SIZE),
				errhint("Write it to S3 and publish where it is."));
}

static void
attribute_error(const char *name, const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid SNS message attribute \"%s\"", name), errdetail("%s", detail),
			errhint("A value is a string, a number, an array of strings, or {\"DataType\": ..., "
					"\"StringValue\": ...}."));
}

static char *
scalar_text(const JsonbValue *value)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
}

/* {"DataType": "…", "StringValue": "…"}, as in the SNS API and in Step Functions */
static void
typed_attribute(const char *name, JsonbContainer *object, char **type, char **text)
{
	JsonbValue *data_type = getKeyJsonValueFromContainer(object, "DataType", strlen("DataType"), NULL);
	JsonbValue *string = getKeyJsonValueFromContainer(object, "StringValue", strlen("StringValue"), NULL);

	if (data_type == NULL || data_type->type != jbvString || string == NULL || string->type != jbvString)
		attribute_error(name, "It needs strings \"DataType\" and \"StringValue\".");
	*type = scalar_text(data_type);
	*text = scalar_text(string);
	aws_text_check("the type of an SNS message attribute", *type);
}

static void
check_strings(const char *name, JsonbContainer *array)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbValue value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_ELEM && value.type != jbvString)
			attribute_error(name, "It is an array of something else than strings.");
}

static void
attribute_value(const char *name, JsonbValue *value, char **type, char **text)
{
	if (value->type == jbvString || value->type == jbvNumeric)
	{
		*type = value->type == jbvString ? "String" : "Number";
		*text = scalar_text(value);
	}
	else if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
	{
		check_strings(name, value->val.binary.data);
		*type = "String.Array";
		*text = JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
	}
	else if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		typed_attribute(name, value->val.binary.data, type, text);
	else
		attribute_error(name, "It is neither text, nor a number, nor an array of strings.");
	if (**text == '\0')
		attribute_error(name, "It is empty.");
}

static void
add_attribute(Form *form, int number, const char *name, JsonbValue *value)
{
	char *type;
	char *text;

	if (strspn(name, NAME_CHARACTERS ".") != strlen(name) || *name == '\0' || strlen(name) > MAX_NAME_SIZE)
		attribute_error(name, "Its name is to be 1 to 256 letters, digits, underscores, hyphens and dots.");
	attribute_value(name, value, &type, &text);
	text = aws_text_to_utf8(text);
	add_field(form, psprintf("MessageAttributes.entry.%d.Name", number), name);
	add_field(form, psprintf("MessageAttributes.entry.%d.Value.DataType", number), type);
	add_field(form, psprintf("MessageAttributes.entry.%d.Value.StringValue", number), text);
	form->size += strlen(name) + strlen(type) + strlen(text);
}

static void
add_attributes(Form *form, Jsonb *attributes)
{
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue value;
	JsonbIteratorToken token;
	int count = 0;

	if (!JB_ROOT_IS_OBJECT(attributes))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("SNS message attributes are not a JSON object"));
	if (JB_ROOT_COUNT(attributes) > MAX_ATTRIBUTES)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("too many SNS message attributes"),
				errdetail("There are %d; %d may be given.", (int) JB_ROOT_COUNT(attributes), MAX_ATTRIBUTES));
	iterator = JsonbIteratorInit(&attributes->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		add_attribute(form, ++count, pnstrdup(key.val.string.val, key.val.string.len), &value);
	}
}

static void
add_fifo(Form *form, const char *topic_arn, const char *group_id, const char *deduplication_id)
{
	if (!is_fifo(topic_arn))
		return;
	add_field(form, "MessageGroupId", group_id != NULL ? group_id : DEFAULT_GROUP);
	if (deduplication_id != NULL)
		add_field(form, "MessageDeduplicationId", deduplication_id);
}

struct EtlPublishRun
{
	EtlAwsServer server; /* of the topic's region */
	char *topic_arn;
	char *message_id; /* of local mode, where nothing is waited for */
	EtlAwsCallRun *call;
};

EtlPublishRun *
sns_publish_start(const EtlAwsServer *server, const char *topic_arn, const char *message, const char *subject,
				  Jsonb *attributes, const char *group_id, const char *deduplication_id)
{
	EtlHttpField fields[3 * MAX_ATTRIBUTES + 5];
	Form form = {.fields = fields};
	EtlPublishRun *run = palloc0(sizeof(EtlPublishRun));
	EtlAwsCall call = {&run->server, NULL, "sns", "Publish", "publish to topic"};

	run->server = *server;
	call.object = run->topic_arn = pstrdup(topic_arn);
	run->server.region = check_topic(topic_arn); /* a topic is reached in its own region only */
	if (*message == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("SNS message is empty"));
	add_field(&form, "TopicArn", topic_arn);
	add_field(&form, "Message", aws_text_to_utf8(message));
	form.size = strlen(fields[1].value);
	check_size(form.size);
	if (subject != NULL)
	{
		check_subject(subject);
		add_field(&form, "Subject", subject);
	}
	if (attributes != NULL)
		add_attributes(&form, attributes);
	check_size(form.size);
	add_fifo(&form, topic_arn, group_id, deduplication_id);

	if (server->mode == ETL_AWS_MODE_LOCAL)
		run->message_id = local_topic_publish(topic_arn, message, subject, attributes);
	else
		run->call = aws_call_query_start(&call, form.fields, form.nfields);
	return run;
}

char *
sns_publish_poll(EtlPublishRun *run, EtlWait *wait)
{
	StringInfo answer;
	EtlError error;

	if (run->message_id != NULL || !aws_call_poll(run->call, wait))
		return run->message_id;
	answer = aws_call_answer(run->call);
	if (!sns_answer_parse(answer->data, answer->len, &run->message_id, &error))
		ereport(ERROR, errcode(error.sqlstate),
				errmsg("could not publish to topic \"%s\": %s", run->topic_arn, error.message),
				error.detail[0] ? errdetail("%s", error.detail) : 0);
	return run->message_id;
}

char *
sns_publish(const EtlAwsServer *server, const char *topic_arn, const char *message, const char *subject,
			Jsonb *attributes, const char *group_id, const char *deduplication_id)
{
	EtlPublishRun *run =
		sns_publish_start(server, topic_arn, message, subject, attributes, group_id, deduplication_id);
	EtlWait wait;

	while (sns_publish_poll(run, &wait) == NULL)
		http_wait(&wait);
	return run->message_id;
}

Datum
pg_etl_notify_sns(PG_FUNCTION_ARGS)
{
	EtlAwsServer *server;
	char *message_id;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("topic_arn and message of etl.notify_sns must not be null"));
	ForceSyncCommit(); /* a message is not to be sent again for a commit that a crash lost */
	server = aws_server_get(PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4)));
	message_id =
		sns_publish(server, text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
					PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)),
					PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3), NULL, NULL);
	PG_RETURN_TEXT_P(cstring_to_text(message_id));
}
