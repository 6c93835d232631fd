/*
 * sns_publish.c
 *		arn:aws:states:::sns:publish: a message to a topic.
 *
 * In local mode a topic is a table, so a transaction is open while it is written; AWS is called with none.
 */
#include "postgres.h"

#include "aws/credentials.h"
#include "aws/sns.h"
#include "base/transaction.h"
#include "task/adapters.h"
#include "task/arguments.h"
#include "utils/builtins.h"
#include "utils/json.h"

typedef struct Message
{
	char *topic_arn;
	char *message;
	char *subject;
	Jsonb *attributes;
	char *group_id;
	char *deduplication_id;
} Message;

static char *
publish(const EtlAwsServer *server, const Message *message)
{
	return sns_publish(server, message->topic_arn, message->message, message->subject, message->attributes,
					   message->group_id, message->deduplication_id);
}

static void
sns_publish_run(const EtlStep *step, EtlStepResult *result)
{
	EtlTransaction transaction;
	EtlArguments arguments;
	EtlAwsServer *server;
	StringInfoData output;
	Message message;
	char *message_id;
	bool local;

	arguments_open(&arguments, step);
	message.topic_arn = arguments_text(&arguments, "TopicArn", true);
	message.message = arguments_text(&arguments, "Message", true);
	message.subject = arguments_text(&arguments, "Subject", false);
	message.attributes = arguments_object(&arguments, "MessageAttributes");
	message.group_id = arguments_text(&arguments, "MessageGroupId", false);
	message.deduplication_id = arguments_text(&arguments, "MessageDeduplicationId", false);
	arguments_close(&arguments);
	if (message.deduplication_id == NULL)
		message.deduplication_id = pstrdup(step->idempotency_key);

	etl_transaction_enter(&transaction);
	server = aws_server_get(NULL);
	local = server->mode == ETL_AWS_MODE_LOCAL;
	if (local)
		message_id = publish(server, &message);
	else
		server->credentials = aws_credentials_get(server);
	etl_transaction_leave(&transaction);
	if (!local)
		message_id = publish(server, &message);

	initStringInfo(&output);
	appendStringInfoString(&output, "{\"MessageId\": ");
	escape_json(&output, message_id);
	appendStringInfoChar(&output, '}');
	result->output = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(output.data)));
	result->rows = -1;
}

const EtlAdapter sns_publish_adapter = {.resource = "arn:aws:states:::sns:publish", .run = sns_publish_run};
