/*
 * adapter.c
 *		The adapters that are registered. See adapter.h.
 */
#include "postgres.h"

#include "flow/adapter.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static List *adapters = NIL;
static EtlConditionTest condition_test = NULL;
static EtlItemQuery item_query = NULL;
static const EtlEventSource *event_source = NULL;
static EtlChore registered_chore = NULL;

void
flow_condition_register(EtlConditionTest test)
{
	condition_test = test;
}

EtlConditionTest
flow_condition_test(void)
{
	return condition_test;
}

void
flow_item_query_register(EtlItemQuery query)
{
	item_query = query;
}

EtlItemQuery
flow_item_query(void)
{
	return item_query;
}

void
flow_event_source_register(const EtlEventSource *source)
{
	event_source = source;
}

const EtlEventSource *
flow_event_source(void)
{
	return event_source;
}

void
flow_chore_register(EtlChore chore)
{
	registered_chore = chore;
}

EtlChore
flow_chore(void)
{
	return registered_chore;
}

void
flow_adapter_register(const EtlAdapter *adapter)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	adapters = lappend(adapters, unconstify(EtlAdapter *, adapter));
	MemoryContextSwitchTo(old);
}

#define TOKEN_SUFFIX ".waitForTaskToken"

/* Without the suffix that says that the step has a token. */
static const char *
base_name(const char *resource)
{
	size_t length = strlen(resource);
	size_t suffix = strlen(TOKEN_SUFFIX);

	if (length <= suffix || strcmp(resource + length - suffix, TOKEN_SUFFIX) != 0)
		return resource;
	return pnstrdup(resource, length - suffix);
}

static bool
serves(const EtlAdapter *adapter, const char *resource)
{
	if (adapter->resource == NULL)
		return false;
	return adapter->serves != NULL ? adapter->serves(resource) : strcmp(adapter->resource, resource) == 0;
}

const EtlAdapter *
flow_adapter_find(const char *resource, const char *connection)
{
	ListCell *cell;

	if (resource != NULL)
		resource = base_name(resource);
	foreach (cell, adapters)
	{
		const EtlAdapter *adapter = lfirst(cell);

		if (resource == NULL ? adapter->resource == NULL && adapter->on_connection == (connection != NULL)
							 : serves(adapter, resource))
			return adapter;
	}
	return NULL;
}

/* A key's value; NULL: it isn't there. */
static char *
task_text(Jsonb *task, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&task->root, key, strlen(key), NULL);

	return value == NULL || value->type != jbvString ? NULL
													 : pnstrdup(value->val.string.val, value->val.string.len);
}

/*
 * Is a task, as a version has it, one for the remote executor from its first moment? What asks questions in SQL first goes
 * to an executor of its owner, who asks them and hands it on.
 */
PG_FUNCTION_INFO_V1(pg_etl_task_is_remote);
Datum
pg_etl_task_is_remote(PG_FUNCTION_ARGS)
{
	static const char *const questions[] = {"condition", "wait_until", "for_each"};
	Jsonb *task = PG_GETARG_JSONB_P(0);
	const EtlAdapter *adapter;

	for (int i = 0; i < lengthof(questions); i++)
		if (task_text(task, questions[i]) != NULL)
			PG_RETURN_BOOL(false);
	adapter = flow_adapter_find(task_text(task, "resource"), task_text(task, "connection"));
	PG_RETURN_BOOL(adapter != NULL && adapter->start != NULL);
}

PG_FUNCTION_INFO_V1(pg_etl_resource_is_served);
Datum
pg_etl_resource_is_served(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(flow_adapter_find(text_to_cstring(PG_GETARG_TEXT_PP(0)), NULL) != NULL);
}

PG_FUNCTION_INFO_V1(pg_etl_resources);
Datum
pg_etl_resources(PG_FUNCTION_ARGS)
{
	StringInfoData names;
	ListCell *cell;

	initStringInfo(&names);
	foreach (cell, adapters)
	{
		const EtlAdapter *adapter = lfirst(cell);

		if (adapter->resource != NULL)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", adapter->resource);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(names.data, names.len));
}
