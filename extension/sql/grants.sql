-- Row security, and what each kind of user is given. Nothing is granted to PUBLIC.
--
-- Authors own what they define. Readers and operators are listed in etl.role_grant, for the policies to look at.

CREATE TABLE etl.role_grant (
	role regrole PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('reader', 'operator'))
);
COMMENT ON TABLE etl.role_grant IS 'Who sees what everybody owns. Kept by etl.grant_reader, etl.grant_operator and etl.revoke_role.';
COMMENT ON COLUMN etl.role_grant.role IS 'The role; its members, too';
COMMENT ON COLUMN etl.role_grant.kind IS 'reader: sees all workflows and runs; operator: may cancel and retry runs, pause workflows and change pools, besides';
SELECT pg_catalog.pg_extension_config_dump('etl.role_grant', '');
ALTER TABLE etl.role_grant ENABLE ROW LEVEL SECURITY;
CREATE POLICY role_grant_member ON etl.role_grant FOR SELECT USING (pg_catalog.pg_has_role(current_user, role, 'USAGE'));

-- In policies as (SELECT ...), which is looked at once a query and not once a row.
CREATE FUNCTION etl._sees_all() RETURNS boolean
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT EXISTS (SELECT FROM etl.role_grant g WHERE pg_has_role(current_user, g.role, 'USAGE')) $$;
REVOKE ALL ON FUNCTION etl._sees_all() FROM PUBLIC;
COMMENT ON FUNCTION etl._sees_all() IS 'Whether the current user is a reader or operator. Internal.';

CREATE FUNCTION etl._operates_all() RETURNS boolean
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT EXISTS (SELECT FROM etl.role_grant g WHERE g.kind = 'operator' AND pg_has_role(current_user, g.role, 'USAGE')) $$;
REVOKE ALL ON FUNCTION etl._operates_all() FROM PUBLIC;
COMMENT ON FUNCTION etl._operates_all() IS 'Whether the current user is an operator. Internal.';

ALTER TABLE etl.workflow ENABLE ROW LEVEL SECURITY;
CREATE POLICY workflow_owner ON etl.workflow USING (pg_catalog.pg_has_role(current_user, owner, 'USAGE'));
ALTER TABLE etl.task ENABLE ROW LEVEL SECURITY;
CREATE POLICY task_owner ON etl.task
	USING (EXISTS (SELECT FROM etl.workflow w
		WHERE w.name = task.workflow AND pg_catalog.pg_has_role(current_user, w.owner, 'USAGE')));
ALTER TABLE etl.notification ENABLE ROW LEVEL SECURITY;
CREATE POLICY notification_owner ON etl.notification
	USING (EXISTS (SELECT FROM etl.workflow w
		WHERE w.name = notification.workflow AND pg_catalog.pg_has_role(current_user, w.owner, 'USAGE')));
ALTER TABLE etl.run ENABLE ROW LEVEL SECURITY;
CREATE POLICY run_owner ON etl.run USING (pg_catalog.pg_has_role(current_user, owner, 'USAGE'));
ALTER TABLE etl.workflow_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY workflow_version_owner ON etl.workflow_version
	USING (EXISTS (SELECT FROM etl.run r WHERE r.version_id = workflow_version.version_id)
		OR EXISTS (SELECT FROM etl.workflow w WHERE w.version_id = workflow_version.version_id));
ALTER TABLE etl.run_name ENABLE ROW LEVEL SECURITY;
CREATE POLICY run_name_owner ON etl.run_name
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = run_name.run_id));
ALTER TABLE etl.task_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY task_run_owner ON etl.task_run
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = task_run.run_id));
ALTER TABLE etl.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_owner ON etl.event
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = event.run_id));
ALTER TABLE etl.timer ENABLE ROW LEVEL SECURITY;
CREATE POLICY timer_owner ON etl.timer
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = timer.run_id));
ALTER TABLE etl.deadline ENABLE ROW LEVEL SECURITY;
CREATE POLICY deadline_owner ON etl.deadline
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = deadline.run_id));
ALTER TABLE etl.limited_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY limited_run_owner ON etl.limited_run
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = limited_run.run_id));
ALTER TABLE etl.suspended ENABLE ROW LEVEL SECURITY;
CREATE POLICY suspended_owner ON etl.suspended
	USING (EXISTS (SELECT FROM etl.run r WHERE r.run_id = suspended.run_id));
CREATE POLICY workflow_reader ON etl.workflow FOR SELECT USING ((SELECT etl._sees_all()));
CREATE POLICY task_reader ON etl.task FOR SELECT USING ((SELECT etl._sees_all()));
CREATE POLICY notification_reader ON etl.notification FOR SELECT USING ((SELECT etl._sees_all()));
CREATE POLICY run_reader ON etl.run FOR SELECT USING ((SELECT etl._sees_all()));
CREATE POLICY job_reader ON etl.job FOR SELECT USING ((SELECT etl._sees_all()));
CREATE POLICY load_history_reader ON etl.load_history FOR SELECT USING ((SELECT etl._sees_all()));
CREATE POLICY unload_history_reader ON etl.unload_history FOR SELECT USING ((SELECT etl._sees_all()));
CREATE POLICY copy_job_reader ON etl.copy_job FOR SELECT USING ((SELECT etl._sees_all()));
CREATE POLICY load_error_reader ON etl.load_error FOR SELECT USING ((SELECT etl._sees_all()));

-- What was moved, for whoever may see some of it: row security says how much.
CREATE FUNCTION etl._grant_transfers(role regrole) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA redshift TO %s', role);
	EXECUTE format('GRANT SELECT ON etl.load_history, etl.load_file, etl.load_error, etl.unload_history, etl.unload_file,'
		' redshift.stl_load_errors, redshift.stl_loaderror_detail, redshift.sys_load_error_detail, redshift.sys_load_history,'
		' redshift.stl_load_commits, redshift.sys_unload_history, redshift.stl_unload_log, etl.load_progress,'
		' etl.copy_job, etl.copy_job_file, redshift.sys_copy_job, redshift.sys_copy_job_detail, redshift.sys_copy_job_info TO %s', role);
	EXECUTE format('GRANT EXECUTE ON FUNCTION etl._load_progress(), etl._copy_job_id(text), etl.copy_job_show(text) TO %s', role);
END $$;
REVOKE ALL ON FUNCTION etl._grant_transfers(regrole) FROM PUBLIC;
COMMENT ON FUNCTION etl._grant_transfers(regrole) IS 'Lets a role look at loads and unloads. Internal.';

CREATE FUNCTION etl._grant_reading(role regrole) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA etl TO %s', role);
	EXECUTE format('GRANT SELECT ON etl.workflow, etl.task, etl.notification, etl.run, etl.run_name, etl.workflow_version, etl.task_run,'
		' etl.event, etl.timer, etl.deadline, etl.limited_run, etl.schedule_state, etl.run_status, etl.task_status, etl.pool, etl.pool_status,'
		' etl.role_grant,'
		' etl.job TO %s', role);
	PERFORM etl._grant_transfers(role);
	EXECUTE format('GRANT SELECT (task_run_id, run_id, since, child_run_id, timeout_at, heartbeat, due_at) ON etl.suspended TO %s', role);
	EXECUTE format('GRANT EXECUTE ON FUNCTION etl._clock(), etl._sees_all(), etl._operates_all(), etl._activity(), etl._waiting_for_executor(boolean), etl._is_remote(jsonb),'
		' etl._pools(), etl._waiting_for_pool(text, integer, bigint), etl._duration_in_words(float8),'
		' etl.graph(text), etl.graph(bigint), etl.wait_for_run(bigint, interval),'
		' etl.next_runs(text, text, integer, timestamptz), etl.export_history(regnamespace, timestamptz, timestamptz) TO %s', role);
END $$;
REVOKE ALL ON FUNCTION etl._grant_reading(regrole) FROM PUBLIC;
COMMENT ON FUNCTION etl._grant_reading(regrole) IS 'What readers and operators are given alike. Internal.';

CREATE FUNCTION etl.grant_reader(role regrole) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM etl._grant_reading(role);
	INSERT INTO etl.role_grant (role, kind) VALUES (grant_reader.role, 'reader')
		ON CONFLICT ON CONSTRAINT role_grant_pkey DO UPDATE SET kind = excluded.kind;
	EXECUTE format('REVOKE EXECUTE ON FUNCTION etl.cancel_run(bigint), etl.retry_run(bigint), etl.complete_step(bigint, text, jsonb),'
		' etl.fail_step(bigint, text, text, text), etl.complete_task(text, jsonb), etl.fail_task(text, text, text),'
		' etl.heartbeat_task(text), etl.pause_workflow(text), etl.resume_workflow(text) FROM %s', role);
	EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON etl.pool FROM %s', role);
END $$;
REVOKE ALL ON FUNCTION etl.grant_reader(regrole) FROM PUBLIC;
COMMENT ON FUNCTION etl.grant_reader(regrole) IS 'Let a role see all workflows, runs and history, and change nothing. Superuser or extension owner only.';

CREATE FUNCTION etl.grant_operator(role regrole) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM etl._grant_reading(role);
	INSERT INTO etl.role_grant (role, kind) VALUES (grant_operator.role, 'operator')
		ON CONFLICT ON CONSTRAINT role_grant_pkey DO UPDATE SET kind = excluded.kind;
	EXECUTE format('GRANT EXECUTE ON FUNCTION etl.cancel_run(bigint), etl.retry_run(bigint), etl.complete_step(bigint, text, jsonb),'
		' etl.fail_step(bigint, text, text, text), etl.complete_task(text, jsonb), etl.fail_task(text, text, text),'
		' etl.heartbeat_task(text), etl.pause_workflow(text), etl.resume_workflow(text) TO %s', role);
	EXECUTE format('GRANT INSERT, UPDATE, DELETE ON etl.pool TO %s', role);
END $$;
REVOKE ALL ON FUNCTION etl.grant_operator(regrole) FROM PUBLIC;
COMMENT ON FUNCTION etl.grant_operator(regrole) IS 'Let a role see all workflows, runs and history, cancel and retry any run, pause and resume any workflow, and change pools. Superuser or extension owner only.';

CREATE FUNCTION etl.revoke_role(role regrole) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM etl.role_grant g WHERE g.role = revoke_role.role;
	EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA etl, redshift FROM %s', role);
	EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA etl, redshift FROM %s', role);
	EXECUTE format('REVOKE ALL ON SCHEMA etl, redshift FROM %s', role);
	EXECUTE format('REVOKE ALL ON FOREIGN SERVER etl_external FROM %s', role);
	EXECUTE format('REVOKE ALL ON FOREIGN DATA WRAPPER etl_aws, etl_warehouse, etl_external FROM %s', role);
END $$;
REVOKE ALL ON FUNCTION etl.revoke_role(regrole) FROM PUBLIC;
COMMENT ON FUNCTION etl.revoke_role(regrole) IS 'Take back what grant_author, grant_reader and grant_operator gave. Its workflows stay, and it stays their owner. Superuser or extension owner only.';

ALTER TABLE etl.schedule_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY schedule_state_owner ON etl.schedule_state
	USING (EXISTS (SELECT FROM etl.workflow w WHERE w.name = schedule_state.workflow));

CREATE FUNCTION etl.grant_author(role regrole) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f regprocedure;
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA etl, redshift TO %s', role);
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON etl.task, etl.notification, etl.job TO %s', role);
	-- Not version_id: who sets it runs, and reads, the definition it names.
	EXECUTE format('GRANT SELECT, INSERT, UPDATE (name, description, owner, input, enabled, schedule, timezone,'
		' catchup, overlap, max_active_runs, timeout, retention), DELETE ON etl.workflow TO %s', role);
	EXECUTE format('GRANT SELECT, INSERT (workflow, run_name, input, trigger, scheduled_for) ON etl.run TO %s', role);
	EXECUTE format('GRANT SELECT ON etl.run_name, etl.workflow_version, etl.task_run, etl.event, etl.timer, etl.deadline, etl.limited_run, etl.schedule_state, etl.run_status, etl.task_status,'
		' etl.pool, etl.pool_status, etl.role_grant TO %s', role);
	EXECUTE format('GRANT SELECT (task_run_id, run_id, since, child_run_id, timeout_at, heartbeat, due_at) ON etl.suspended TO %s', role);
	EXECUTE format('GRANT SELECT ON etl.external_schema, etl.external_partition TO %s', role);
	EXECUTE format('GRANT INSERT, UPDATE (auto), DELETE ON etl.copy_job TO %s', role);
	EXECUTE format('GRANT INSERT, UPDATE, DELETE ON etl.copy_job_file TO %s', role);
	PERFORM etl._grant_transfers(role);
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON etl.local_secret TO %s', role);
	EXECUTE format('GRANT SELECT ON etl.local_message TO %s', role);
	EXECUTE format('GRANT USAGE ON FOREIGN DATA WRAPPER etl_aws, etl_warehouse, etl_external TO %s', role);
	EXECUTE format('GRANT USAGE ON FOREIGN SERVER etl_external TO %s', role);
	-- Every function of the extension but those that grant, the engine's own doors and triggers, which an author could hang
	-- on a table of their own; those that read or change anything check for themselves whose it is.
	FOR f IN
		SELECT d.objid::regprocedure FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			JOIN pg_proc p ON p.oid = d.objid
		WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			AND e.extname = 'pg_etl' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
			AND d.objid NOT IN ('etl.grant_author(regrole)'::regprocedure, 'etl.grant_reader(regrole)'::regprocedure,
				'etl.grant_operator(regrole)'::regprocedure, 'etl._grant_reading(regrole)'::regprocedure, 'etl._grant_transfers(regrole)'::regprocedure,
				'etl.revoke_role(regrole)'::regprocedure, 'etl._engine_start()'::regprocedure,
				'etl._wake_scheduler()'::regprocedure, 'etl._pools_changed()'::regprocedure,
				'etl._s3_drain(text, text)'::regprocedure, 'etl._remove_transfers(timestamptz, integer)'::regprocedure)
	LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', f, role);
	END LOOP;
END $$;
REVOKE ALL ON FUNCTION etl.grant_author(regrole) FROM PUBLIC;
COMMENT ON FUNCTION etl.grant_author(regrole) IS 'Let a role write and run workflows of its own and call the extension''s functions. Superuser or extension owner only.';
