/*
 * sns_publish.c
 *		arn:aws:states:::sns:publish: a message to a topic.
 *
 * In local mode a topic is a table, which is written as the step starts; AWS is called with no transaction open.
 */
#include "postgres.h"

#include "aws/sns.h"
#include "task/adapters.h"
#include "task/arguments.h"
#include "utils/builtins.h"
#include "utils/json.h"

static void *
sns_publish_job(const EtlStep *step)
{
	EtlArguments arguments;
	char *topic_arn;
	char *message;
	char *subject;
	Jsonb *attributes;
	char *group_id;
	char *deduplication_id;

	arguments_open(&arguments, step);
	topic_arn = arguments_text(&arguments, "TopicArn", true);
	message = arguments_text(&arguments, "Message", true);
	subject = arguments_text(&arguments, "Subject", false);
	attributes = arguments_object(&arguments, "MessageAttributes");
	group_id = arguments_text(&arguments, "MessageGroupId", false);
	deduplication_id = arguments_text(&arguments, "MessageDeduplicationId", false);
	arguments_close(&arguments);
	return sns_publish_start(aws_server_get(NULL), topic_arn, message, subject, attributes, group_id,
							 deduplication_id != NULL ? deduplication_id : step->idempotency_key);
}

static bool
sns_publish_go_on(void *job, EtlWait *wait, EtlStepResult *result)
{
	const char *message_id = sns_publish_poll(job, wait);
	StringInfoData output;

	if (message_id == NULL)
		return false;
	initStringInfo(&output);
	appendStringInfoString(&output, "{\"MessageId\": ");
	escape_json(&output, message_id);
	appendStringInfoChar(&output, '}');
	result->output = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(output.data)));
	return true;
}

/* The request goes with the job's memory. */
static void
sns_publish_abandon(void *job)
{
}

const EtlAdapter sns_publish_adapter = {.resource = "arn:aws:states:::sns:publish",
										.start = sns_publish_job,
										.poll = sns_publish_go_on,
										.abandon = sns_publish_abandon};
