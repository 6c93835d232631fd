/*
 * local_topic.h
 *		Topics of local mode: rows of etl.local_message, each announced with NOTIFY etl_local_message.
 */
#ifndef ETL_AWS_LOCAL_TOPIC_H
#define ETL_AWS_LOCAL_TOPIC_H

#include "postgres.h"

#include "utils/jsonb.h"

/* Insert the message and return its id; subject and attributes may be NULL. */
extern char *local_topic_publish(const char *topic_arn, const char *message, const char *subject,
								 Jsonb *attributes);

#endif
