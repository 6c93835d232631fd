/*
 * history.c
 *		Rows of etl.event. See history.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "flow/history.h"
#include "flow/range.h"
#include "utils/array.h"
#include "utils/builtins.h"
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
make_array(Datum *elements, bool *nulls, int count, Oid type, int size, bool by_value, char align)
{
	int dims[] = {count};
	int bounds[] = {1};

	return PointerGetDatum(construct_md_array(elements, nulls, 1, dims, bounds, type, size, by_value, align));
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
	static EtlSpiPlan insert = {"INSERT INTO etl.event_{range} (run_id, task, attempt, at, type, details)"
								" SELECT $1, e.task, e.attempt, e.at, e.type, e.details::jsonb"
								" FROM unnest($2, $3, $4, $5, $6) AS e(task, attempt, at, type, details)",
								6,
								{INT8OID, TEXTARRAYOID, INT4ARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID, TEXTARRAYOID}};
	int count = list_length(history->events);
	Datum *columns[5];
	bool *nulls[5];
	Datum values[6];
	int i = 0;
	ListCell *cell;

	if (count == 0)
		return;
	for (int c = 0; c < lengthof(columns); c++)
	{
		columns[c] = palloc(count * sizeof(Datum));
		nulls[c] = palloc0(count * sizeof(bool));
	}
	foreach (cell, history->events)
	{
		Event *event = lfirst(cell);

		columns[0][i] = text_or_null(event->task, &nulls[0][i]);
		columns[1][i] = Int32GetDatum(event->attempt);
		nulls[1][i] = event->task == NULL;
		columns[2][i] = TimestampTzGetDatum(event->at);
		columns[3][i] = CStringGetTextDatum(event->type);
		columns[4][i] = text_or_null(event->details, &nulls[4][i]);
		i++;
	}
	values[0] = Int64GetDatum(history->run_id);
	values[1] = make_array(columns[0], nulls[0], count, TEXTOID, -1, false, TYPALIGN_INT);
	values[2] = make_array(columns[1], nulls[1], count, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	values[3] = make_array(columns[2], nulls[2], count, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL,
						   TYPALIGN_DOUBLE);
	values[4] = make_array(columns[3], nulls[3], count, TEXTOID, -1, false, TYPALIGN_INT);
	values[5] = make_array(columns[4], nulls[4], count, TEXTOID, -1, false, TYPALIGN_INT);
	range_execute(&insert, history->run_id, SPI_OK_INSERT, values, NULL);
	history->events = NIL;
}
