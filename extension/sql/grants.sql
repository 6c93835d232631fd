-- Row security, and what each kind of user is given. Nothing is granted to PUBLIC.

ALTER TABLE etl.workflow ENABLE ROW LEVEL SECURITY;
CREATE POLICY workflow_owner ON etl.workflow USING (pg_catalog.pg_has_role(current_user, owner, 'USAGE'));
ALTER TABLE etl.task ENABLE ROW LEVEL SECURITY;
CREATE POLICY task_owner ON etl.task
	USING (EXISTS (SELECT FROM etl.workflow w WHERE w.name = task.workflow));
ALTER TABLE etl.notification ENABLE ROW LEVEL SECURITY;
CREATE POLICY notification_owner ON etl.notification
	USING (EXISTS (SELECT FROM etl.workflow w WHERE w.name = notification.workflow));
ALTER TABLE etl.run ENABLE ROW LEVEL SECURITY;
CREATE POLICY run_owner ON etl.run USING (pg_catalog.pg_has_role(current_user, owner, 'USAGE'));
ALTER TABLE etl.workflow_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY workflow_version_owner ON etl.workflow_version
	USING (EXISTS (SELECT FROM etl.run r WHERE r.version_id = workflow_version.version_id)
		OR EXISTS (SELECT FROM etl.workflow w WHERE w.version_id = workflow_version.version_id));
ALTER TABLE etl.task_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY task_run_owner ON etl.task_run
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = task_run.run_id));
ALTER TABLE etl.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_owner ON etl.event
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = event.run_id));
ALTER TABLE etl.timer ENABLE ROW LEVEL SECURITY;
CREATE POLICY timer_owner ON etl.timer
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = timer.run_id));

CREATE FUNCTION etl.grant_author(role regrole) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f regprocedure;
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA etl, redshift TO %s', role);
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON etl.task, etl.notification, etl.job TO %s', role);
	-- Not version_id: who sets it runs, and reads, the definition it names.
	EXECUTE format('GRANT SELECT, INSERT, UPDATE (name, description, owner, input, enabled), DELETE ON etl.workflow TO %s', role);
	EXECUTE format('GRANT SELECT, INSERT (workflow, run_name, input) ON etl.run TO %s', role);
	EXECUTE format('GRANT SELECT ON etl.workflow_version, etl.task_run, etl.event, etl.timer, etl.run_status, etl.task_status TO %s', role);
	EXECUTE format('GRANT SELECT ON etl.load_history, etl.unload_history, etl.external_schema, etl.external_partition TO %s', role);
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON etl.local_secret TO %s', role);
	EXECUTE format('GRANT SELECT ON etl.local_message TO %s', role);
	EXECUTE format('GRANT USAGE ON FOREIGN DATA WRAPPER etl_aws, etl_warehouse, etl_external TO %s', role);
	EXECUTE format('GRANT USAGE ON FOREIGN SERVER etl_external TO %s', role);
	-- Every function of the extension but this one, the engine's own door and triggers, which an author could hang
	-- on a table of their own; those that read or change anything check for themselves whose it is.
	FOR f IN
		SELECT d.objid::regprocedure FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			JOIN pg_proc p ON p.oid = d.objid
		WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			AND e.extname = 'pg_etl' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
			AND d.objid NOT IN ('etl.grant_author(regrole)'::regprocedure, 'etl._engine_start()'::regprocedure)
	LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', f, role);
	END LOOP;
END $$;
REVOKE ALL ON FUNCTION etl.grant_author(regrole) FROM PUBLIC;
COMMENT ON FUNCTION etl.grant_author(regrole) IS 'Let a role write and run workflows of its own and call the extension''s functions. Superuser or extension owner only.';
