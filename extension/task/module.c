/*
 * module.c
 *		Registrations of this room.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "net/http.h"
#include "task/adapters.h"
#include "task/module.h"

static const EtlEventSource http_source = {
	.descriptor = http_descriptor, .due_ms = http_due_ms, .drive = http_drive};

void
task_init(void)
{
	flow_event_source_register(&http_source);
	flow_adapter_register(&statement_adapter);
	flow_adapter_register(&connection_adapter);
	flow_adapter_register(&sns_publish_adapter);
	flow_adapter_register(&glue_job_adapter);
	flow_adapter_register(&start_execution_adapter);
	flow_adapter_register(&start_execution_sync_adapter);
	flow_adapter_register(&start_execution_sync2_adapter);
	for (const EtlAdapter *adapter = aws_action_adapters; adapter->resource != NULL; adapter++)
		flow_adapter_register(adapter);
	flow_adapter_register(&lambda_function_adapter);
	flow_adapter_register(&aws_sdk_adapter);
	flow_condition_register(condition_holds);
	flow_item_query_register(for_each_query_run);
	/* Only where there is a scheduler to see to it. */
	if (process_shared_preload_libraries_in_progress)
	{
		uploads_watch_register(&upload_watch);
		flow_chore_register(uploads_sweep);
	}
}
