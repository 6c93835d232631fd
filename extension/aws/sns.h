/*
 * sns.h
 *		Amazon SNS: Publish. In local mode a topic is rows of etl.local_message plus NOTIFY etl_local_message.
 */
#ifndef ETL_AWS_SNS_H
#define ETL_AWS_SNS_H

#include "postgres.h"

#include "aws/server.h"
#include "base/wait.h"
#include "utils/jsonb.h"

/*
 * Publish and return the message id. subject and attributes may be NULL; attributes is a JSON object whose values
 * are strings, numbers, arrays of strings, or {"DataType": …, "StringValue": …}. group_id (NULL: "pg_etl") and
 * deduplication_id (NULL: none) go to FIFO topics only. A topic is called in the region that its ARN names.
 */
extern char *sns_publish(const EtlAwsServer *server, const char *topic_arn, const char *message,
						 const char *subject, Jsonb *attributes, const char *group_id,
						 const char *deduplication_id);

/* The form that doesn't wait (base/wait.h): start it, then poll until there is a message id. */
typedef struct EtlPublishRun EtlPublishRun;
extern EtlPublishRun *sns_publish_start(const EtlAwsServer *server, const char *topic_arn, const char *message,
										const char *subject, Jsonb *attributes, const char *group_id,
										const char *deduplication_id);
extern char *sns_publish_poll(EtlPublishRun *run, EtlWait *wait);

#endif
