/*
 * history.c
 *		Rows of etl.event. See history.h.
 */
#include "postgres.h"

#include "flow/history.h"
#include "flow/row.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

typedef struct Event
{
	const char *task;
	int attempt;
	TimestampTz at;
	const char *type;
	const char *details;
} Event;

void
history_add(EtlHistory *history, const char *task, int attempt, TimestampTz at, const char *type,
			const char *details)
{
	Event *event = palloc(sizeof(Event));

	*event = (Event){.task = task, .attempt = attempt, .at = at, .type = type, .details = details};
	history->events = lappend(history->events, event);
}

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

void
history_write(EtlHistory *history)
{
	int count = list_length(history->events);
	Datum *values;
	bool *nulls;
	ListCell *cell;

	if (count == 0)
		return;
	values = palloc0(count * ETL_EVENT_COLUMN_COUNT * sizeof(Datum));
	nulls = palloc0(count * ETL_EVENT_COLUMN_COUNT * sizeof(bool));
	foreach (cell, history->events)
	{
		const Event *event = lfirst(cell);
		Datum *value = &values[foreach_current_index(cell) * ETL_EVENT_COLUMN_COUNT];
		bool *null = &nulls[foreach_current_index(cell) * ETL_EVENT_COLUMN_COUNT];

		value[ETL_EVENT_RUN_ID] = Int64GetDatum(history->run_id);
		value[ETL_EVENT_TASK] = text_or_null(event->task, &null[ETL_EVENT_TASK]);
		value[ETL_EVENT_ATTEMPT] = Int32GetDatum(event->attempt);
		null[ETL_EVENT_ATTEMPT] = event->task == NULL;
		value[ETL_EVENT_AT] = TimestampTzGetDatum(event->at);
		value[ETL_EVENT_TYPE] = CStringGetTextDatum(event->type);
		null[ETL_EVENT_DETAILS] = event->details == NULL;
		if (event->details != NULL)
			value[ETL_EVENT_DETAILS] = DirectFunctionCall1(jsonb_in, CStringGetDatum(event->details));
	}
	row_insert_events(history->run_id, values, nulls, count);
	history->events = NIL;
}
