/*
 * notify.c
 *		Telling people that a run has ended. See notify.h.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/spi.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "flow/notify.h"
#include "flow/range.h"
#include "flow/wake.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Whether the workflow has anybody to tell of anything. Most haven't, and a look through the index is a tenth of a statement
 * that looks.
 */
static bool
has_notification(const char *workflow)
{
	Oid schema = get_namespace_oid("etl", false);
	Relation notifications = table_open(get_relname_relid("notification", schema), AccessShareLock);
	Oid index = get_relname_relid("notification_workflow_topic_arn_key", schema);
	ScanKeyData key;
	SysScanDesc scan;
	bool found;

	ScanKeyEntryInitialize(&key, 0, SPI_fnumber(RelationGetDescr(notifications), "workflow"), BTEqualStrategyNumber,
						   InvalidOid, DEFAULT_COLLATION_OID, F_TEXTEQ, CStringGetTextDatum(workflow));
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	scan = systable_beginscan(notifications, index, OidIsValid(index), GetActiveSnapshot(), 1, &key);
	found = systable_getnext(scan) != NULL;
	systable_endscan(scan);
	PopActiveSnapshot();
	table_close(notifications, AccessShareLock);
	return found;
}

void
notify_queue(int64 run_id, const char *workflow, const char *final_status)
{
	/*
	 * The message carries Error and Cause as Step Functions' error output does; a subject is at most 100 printable
	 * ASCII characters, SNS's own limit. Only who may see the run is told: the workflow may be another's by now, of
	 * the same name.
	 */
	static EtlSpiPlan queue = {
		"WITH told AS (INSERT INTO etl.task_run_{range} (run_id, task, attempt, first_attempt, status, queued_at,"
		"  notification_id, arguments)"
		" SELECT r.run_id, concat('notification ', n.notification_id), earlier.attempts + 1, earlier.attempts + 1, 'queued',"
		"  etl._clock(), n.notification_id, jsonb_build_object("
		"   'TopicArn', n.topic_arn,"
		"   'Subject', left(regexp_replace("
		"     concat('Run ', r.run_id, ' of ', r.workflow, ' ', r.status), '[^ -~]', '?', 'g'), 100),"
		"   'Message', jsonb_strip_nulls(jsonb_build_object('workflow', r.workflow,"
		"     'run_id', r.run_id, 'run_name', r.run_name, 'status', r.status, 'task', r.failed_task,"
		"     'Error', CASE WHEN 'timed_out' IN (r.status, f.status) THEN 'States.Timeout'"
		"       WHEN f.status IS NOT NULL THEN 'States.TaskFailed' END,"
		"     'Cause', CASE WHEN r.status = 'timed_out' THEN r.error"
		"       WHEN f.status IS NOT NULL THEN concat_ws(E'\\n', f.error,"
		"       'SQLSTATE: ' || f.sqlstate, 'DETAIL: ' || f.error_detail,"
		"       'HINT: ' || f.error_hint,"
		"       'CONTEXT: ' || f.error_context) END"
		"   ))::text)"
		"  FROM etl.run_{range} r JOIN etl.workflow w ON w.name = r.workflow AND pg_has_role(w.owner, r.owner, 'USAGE')"
		"  JOIN etl.notification n ON n.workflow = w.name"
		"  LEFT JOIN LATERAL (SELECT * FROM etl.task_run_{range} t WHERE t.run_id = r.run_id"
		"   AND t.task = r.failed_task AND t.item = 0 ORDER BY t.attempt DESC LIMIT 1) f ON true"
		"  CROSS JOIN LATERAL (SELECT count(*)::int4 AS attempts FROM etl.task_run_{range} t WHERE t.run_id = r.run_id"
		"   AND t.notification_id = n.notification_id) earlier"
		"  WHERE r.run_id = $1 AND $2 = ANY (n.on_status)"
		"  ORDER BY n.notification_id"
		"  RETURNING task_run_id, run_id)"
		" SELECT t.task_run_id, r.owner::oid FROM told t JOIN etl.run_{range} r USING (run_id)",
		2,
		{INT8OID, TEXTOID}};
	static EtlSpiPlan open = {
		"UPDATE etl.run_{range} SET notifications_open = notifications_open + $2 WHERE run_id = $1", 2, {INT8OID, INT4OID}};
	Datum values[] = {Int64GetDatum(run_id), CStringGetTextDatum(final_status)};
	uint64 count;

	if (!has_notification(workflow))
		return;
	count = range_execute(&queue, run_id, SPI_OK_SELECT, values, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		EtlQueued step = {.run_id = run_id, .remote = true};
		bool isnull;

		step.task_run_id = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
		wake_for_step(DatumGetObjectId(etl_spi_datum(i, 2, &isnull)), &step);
	}
	SPI_freetuptable(SPI_tuptable);
	if (count > 0)
	{
		values[1] = Int32GetDatum(count);
		range_execute(&open, run_id, SPI_OK_UPDATE, values, NULL);
	}
}
