/*
 * local_topic.c
 *		Publishing into etl.local_message. See local_topic.h.
 *
 * Works with or without a transaction open: over AWS a message is out at once, and a caller that holds no transaction
 * is to see no difference.
 */
#include "postgres.h"

#include "aws/local_topic.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define CHANNEL "etl_local_message"

char *
local_topic_publish(const char *topic_arn, const char *message, const char *subject, Jsonb *attributes)
{
	Oid types[] = {TEXTOID, TEXTOID, TEXTOID, JSONBOID, OIDOID};
	Datum values[lengthof(types)];
	char nulls[] = "     ";
	EtlTransaction transaction;
	EtlSpiScope spi;
	char *message_id;

	etl_transaction_enter(&transaction);
	values[0] = CStringGetTextDatum(topic_arn);
	values[1] = CStringGetTextDatum(message);
	values[2] = CStringGetTextDatum(subject != NULL ? subject : "");
	values[3] = PointerGetDatum(attributes);
	values[4] = ObjectIdGetDatum(GetUserId());
	nulls[2] = subject != NULL ? ' ' : 'n';
	nulls[3] = attributes != NULL ? ' ' : 'n';

	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_run("INSERT INTO etl.local_message (topic_arn, message, subject, attributes, publisher) "
				"VALUES ($1, $2, $3, $4, $5::pg_catalog.regrole) RETURNING message_id",
				SPI_OK_INSERT_RETURNING, lengthof(types), types, values, nulls);
	message_id = etl_spi_text(&spi, 0, 1);
	etl_spi_close(&spi);
	Async_Notify(CHANNEL, message_id);
	etl_transaction_leave(&transaction);
	return message_id;
}
