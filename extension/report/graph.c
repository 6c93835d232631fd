/*
 * graph.c
 *		etl.graph: a workflow, or a run of one, drawn in text.
 *
 * Both read as the caller, so row security says what can be drawn. The drawing itself is draw.c's; here are the
 * words beside it.
 */
#include "postgres.h"

#include <math.h>

#include "base/spi.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "report/draw.h"
#include "utils/array.h"
#include "utils/builtins.h"

#define GRAPH_MAX_WORDS 5

/* The words beside a task, a column of the output each. */
typedef struct GraphRow
{
	const char *words[GRAPH_MAX_WORDS];
} GraphRow;

/* Which columns of words there are, and where they are aligned. */
typedef struct GraphFormat
{
	int word_count;
	bool right_aligned[GRAPH_MAX_WORDS];
} GraphFormat;

typedef struct StatusMark
{
	const char *status;
	const char *box;
	const char *ascii;
} StatusMark;

/* Marks are one column wide in every terminal. */
static const StatusMark status_marks[] = {
	{"waiting", "○", "o"},	 {"queued", "○", "o"},	  {"running", "◐", ">"},
	{"retrying", "↻", "r"},	 {"succeeded", "✓", "*"}, {"failed", "✗", "x"},
	{"timed_out", "✗", "x"}, {"skipped", "·", "."},	  {"cancelled", "⊘", "/"},
};

/* Box-drawing characters, if they are in the database's encoding and reach the client. */
static bool
can_draw_boxes(void)
{
	int client = pg_get_client_encoding();

	return GetDatabaseEncoding() == PG_UTF8 && (client == PG_UTF8 || client == PG_SQL_ASCII);
}

static const char *
mark_of_status(const char *status, bool box)
{
	for (int i = 0; i < lengthof(status_marks); i++)
		if (strcmp(status_marks[i].status, status) == 0)
			return box ? status_marks[i].box : status_marks[i].ascii;
	return "?";
}

/* A line break in a word would break the drawing. */
static const char *
on_one_line(char *text)
{
	if (text == NULL)
		return "";
	for (char *at = text; *at != '\0'; at++)
		if ((unsigned char) *at < ' ' || *at == '\177')
			*at = ' ';
	return text;
}

static int
display_width(const char *text)
{
	int width = 0;

	for (const char *at = text; *at != '\0'; at += pg_mblen(at))
		width += Max(pg_dsplen(at), 0);
	return width;
}

static void
append_padded(StringInfo out, const char *text, int width, bool right)
{
	int blanks = width - display_width(text);

	if (right)
		appendStringInfoSpaces(out, blanks);
	appendStringInfoString(out, text);
	if (!right)
		appendStringInfoSpaces(out, blanks);
}

static void
trim_end(StringInfo out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

/* Positions of a task's dependencies, from an int4[]. */
static void
set_dependencies(EtlGraphTask *task, Datum positions)
{
	Datum *values;
	bool *nulls;
	int *dependencies;

	deconstruct_array(DatumGetArrayTypeP(positions), INT4OID, sizeof(int32), true, TYPALIGN_INT, &values, &nulls,
					  &task->dependency_count);
	dependencies = palloc(Max(task->dependency_count, 1) * sizeof(int));
	for (int i = 0; i < task->dependency_count; i++)
		dependencies[i] = DatumGetInt32(values[i]);
	task->dependencies = dependencies;
}

/*
 * The drawing with its words. In SPI_tuptable: dependencies (int4[], 0-based), status (NULL: no run), then the words;
 * a row a task.
 */
static void
append_graph(StringInfo out, const EtlSpiScope *spi, const GraphFormat *format, bool box)
{
	int count = (int) Min(SPI_processed, ETL_GRAPH_MAX_TASKS + 1);
	EtlGraphTask *tasks = palloc0(Max(count, 1) * sizeof(EtlGraphTask));
	GraphRow *rows = palloc0(Max(count, 1) * sizeof(GraphRow));
	const char **marks = palloc(Max(count, 1) * sizeof(char *));
	int widths[GRAPH_MAX_WORDS] = {0};
	EtlGraphOrder order;
	EtlGraphDrawing drawing;
	EtlError error;
	bool isnull;

	for (int i = 0; i < count; i++)
	{
		const char *status = etl_spi_text(spi, i, 2);

		set_dependencies(&tasks[i], etl_spi_datum(i, 1, &isnull));
		marks[i] = status != NULL ? mark_of_status(status, box) : box ? "●" : "*";
		for (int w = 0; w < format->word_count; w++)
		{
			rows[i].words[w] = on_one_line(etl_spi_text(spi, i, 3 + w));
			widths[w] = Max(widths[w], display_width(rows[i].words[w]));
		}
	}
	if (!graph_order_make(tasks, count, &order, &error))
	{
		etl_error_hint(&error, "SELECT name, depends_on FROM etl.task has the same in rows.");
		etl_error_raise(&error);
	}
	graph_draw(&order, marks, box, &drawing);
	for (int l = 0; l < drawing.line_count; l++)
	{
		const EtlGraphLine *line = &drawing.lines[l];

		appendStringInfoString(out, line->lanes);
		if (line->task >= 0)
		{
			appendStringInfoSpaces(out, drawing.width - line->width);
			for (int w = 0; w < format->word_count; w++)
			{
				if (widths[w] == 0)
					continue;
				appendStringInfoString(out, w == 0 ? "  " : "   ");
				append_padded(out, rows[line->task].words[w], widths[w], format->right_aligned[w]);
			}
		}
		trim_end(out);
		appendStringInfoChar(out, '\n');
	}
}

static text *
finish(StringInfo out)
{
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->len--;
	return cstring_to_text_with_len(out->data, out->len);
}

/* What a task is, in words: from columns sql, connection, resource of t. */
#define WHAT_IT_IS                                                                                          \
	" CASE WHEN t.resource IS NOT NULL THEN regexp_replace(t.resource, '^arn:aws:states:::', '')"            \
	" WHEN t.connection IS NOT NULL THEN 'sql on ' || quote_ident(t.connection) ELSE 'sql' END"

PG_FUNCTION_INFO_V1(pg_etl_graph_workflow);
Datum
pg_etl_graph_workflow(PG_FUNCTION_ARGS)
{
	static const GraphFormat format = {.word_count = 2};
	Oid types[] = {TEXTOID};
	Datum values[] = {PG_GETARG_DATUM(0)};
	EtlSpiScope spi;
	StringInfoData out;

	initStringInfo(&out);
	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_run("SELECT FROM etl.workflow WHERE name = $1", SPI_OK_SELECT, 1, types, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("workflow \"%s\" does not exist", text_to_cstring(PG_GETARG_TEXT_PP(0))),
				errhint("SELECT name FROM etl.workflow lists the workflows you own."));
	etl_spi_run("WITH task AS ("
				" SELECT *, row_number() OVER (ORDER BY name COLLATE \"C\")::int4 - 1 AS position"
				" FROM etl.task WHERE workflow = $1)"
				" SELECT ARRAY(SELECT d.position FROM task d WHERE d.name = ANY (t.depends_on)),"
				"  NULL, t.name," WHAT_IT_IS " FROM task t ORDER BY t.position",
				SPI_OK_SELECT, 1, types, values, NULL);
	append_graph(&out, &spi, &format, can_draw_boxes());
	etl_spi_close(&spi);
	PG_RETURN_TEXT_P(finish(&out));
}

/* 12 ms, 1.23 s, 3 min 05 s, 2 h 03 min */
static char *
duration_in_words(double seconds)
{
	int64 whole = (int64) rint(seconds);

	if (seconds < 0.9995)
		return psprintf("%d ms", (int) rint(Max(seconds, 0) * 1000));
	if (seconds < 59.995)
		return psprintf("%.2f s", seconds);
	if (whole < 3600)
		return psprintf("%d min %02d s", (int) (whole / 60), (int) (whole % 60));
	return psprintf(INT64_FORMAT " h %02d min", whole / 3600, (int) (whole % 3600 / 60));
}

PG_FUNCTION_INFO_V1(pg_etl_duration_in_words);
Datum
pg_etl_duration_in_words(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(duration_in_words(PG_GETARG_FLOAT8(0))));
}

PG_FUNCTION_INFO_V1(pg_etl_graph_run);
Datum
pg_etl_graph_run(PG_FUNCTION_ARGS)
{
	static const GraphFormat format = {.word_count = 5, .right_aligned = {[3] = true}};
	Oid types[] = {INT8OID};
	Datum values[] = {PG_GETARG_DATUM(0)};
	bool box = can_draw_boxes();
	EtlSpiScope spi;
	StringInfoData out;

	initStringInfo(&out);
	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_run("SELECT format('run %s of %s: %s', run_id, quote_ident(workflow), status)"
					"  || coalesce(', ' || etl._duration_in_words(extract(epoch FROM duration)::float8), '')"
					" FROM etl.run_status WHERE run_id = $1",
					SPI_OK_SELECT, 1, types, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("run " INT64_FORMAT " does not exist", PG_GETARG_INT64(0)),
				errhint("SELECT run_id, workflow, status FROM etl.run_status lists the runs you may see."));
	appendStringInfo(&out, "%s\n\n", etl_spi_text(&spi, 0, 1));
	/* The tasks of the version the run started with, each with its last attempt; what it tells others comes last. */
	etl_spi_run("WITH last AS MATERIALIZED ("
				" SELECT DISTINCT ON (task) * FROM etl.task_status WHERE run_id = $1 AND item IS NULL"
				" ORDER BY task, attempt DESC),"
				" task AS ("
				" SELECT l.*, o.items, o.items_failed, d.definition IS NULL AS is_extra,"
				"  d.definition ->> 'connection' AS connection,"
				"  CASE WHEN d.definition IS NULL THEN 'sns:publish' ELSE d.definition ->> 'resource' END AS resource,"
				"  coalesce(ARRAY(SELECT jsonb_array_elements_text(d.definition -> 'depends_on')), '{}') AS depends_on,"
				"  row_number() OVER (ORDER BY d.definition IS NULL, l.task COLLATE \"C\")::int4 - 1 AS position"
				" FROM last l JOIN etl.run r USING (run_id) JOIN etl.workflow_version v USING (version_id)"
				" JOIN etl.task_run o ON o.run_id = l.run_id AND o.task = l.task AND o.item = 0 AND o.attempt = l.attempt"
				" LEFT JOIN LATERAL (SELECT v.definition -> 'tasks' -> l.task AS definition) d ON true)"
				" SELECT ARRAY(SELECT d.position FROM task d WHERE d.task = ANY (t.depends_on) AND NOT d.is_extra),"
				"  t.status, t.task," WHAT_IT_IS ","
				"  replace(t.status, '_', ' ') || CASE WHEN t.attempt > 1 THEN ', attempt ' || t.attempt ELSE '' END,"
				"  etl._duration_in_words(extract(epoch FROM t.duration)::float8),"
				"  CASE WHEN length(w.why) > 72 THEN left(w.why, 69) || '...'"
				"   WHEN w.why IS NOT NULL THEN w.why"
				"   ELSE CASE WHEN t.rows = 1 THEN '1 row' ELSE to_char(t.rows, 'FM999,999,999,999,999') || ' rows' END"
				"    || CASE WHEN t.items_failed > 0"
				"     THEN format(', %s of %s items failed', t.items_failed, t.items) ELSE '' END END"
				" FROM task t, LATERAL (SELECT coalesce(t.error,"
				"  CASE WHEN t.waiting_for LIKE 'time %' THEN 'again at ' || substr(t.waiting_for, 17, 8)"
				"   WHEN t.waiting_for NOT LIKE 'dependency %' THEN t.waiting_for END) AS why) w ORDER BY t.position",
				SPI_OK_SELECT, 1, types, values, NULL);
	append_graph(&out, &spi, &format, box);
	etl_spi_close(&spi);
	PG_RETURN_TEXT_P(finish(&out));
}
