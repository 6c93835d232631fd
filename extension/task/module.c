/*
 * module.c
 *		Registrations of this room.
 */
#include "postgres.h"

#include "task/adapters.h"
#include "task/module.h"

void
task_init(void)
{
	flow_adapter_register(&statement_adapter);
	flow_adapter_register(&connection_adapter);
	flow_adapter_register(&sns_publish_adapter);
	flow_adapter_register(&glue_job_adapter);
	flow_adapter_register(&start_execution_adapter);
	flow_adapter_register(&start_execution_sync_adapter);
	flow_adapter_register(&start_execution_sync2_adapter);
	flow_condition_register(condition_holds);
	flow_item_query_register(for_each_query_run);
}
