/*
 * notify.h
 *		Telling people that a run has ended: rows of etl.notification become steps of the run.
 *
 * A notification is an external step like any other (retried, recorded in etl.task_run), queued in the transaction
 * that ends the run, so a run that ended is always told, and told once but for what SNS itself repeats.
 */
#ifndef ETL_FLOW_NOTIFY_H
#define ETL_FLOW_NOTIFY_H

#include "postgres.h"

#define ETL_NOTIFY_RESOURCE "arn:aws:states:::sns:publish"
#define ETL_NOTIFY_RETRIES 5

/* Inside an ETL_SPI_OWNER scope, after the run's final status has been written. */
extern void notify_queue(int64 run_id, const char *workflow, const char *final_status);

#endif
