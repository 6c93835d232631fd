-- copy: COPY and UNLOAD as functions, and the history of both.

CREATE TABLE etl.load_history (
	load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run_id bigint,
	username name NOT NULL,
	table_name text NOT NULL,
	uri text NOT NULL,
	format text NOT NULL,
	started_at timestamptz NOT NULL,
	finished_at timestamptz NOT NULL,
	rows bigint NOT NULL,
	bytes bigint NOT NULL,
	files integer NOT NULL
);
COMMENT ON TABLE etl.load_history IS 'One row per load that was committed; users see their own, readers and operators all';
COMMENT ON COLUMN etl.load_history.load_id IS 'Counts loads';
COMMENT ON COLUMN etl.load_history.run_id IS 'The run whose step loaded; null outside of runs';
COMMENT ON COLUMN etl.load_history.username IS 'Who loaded';
COMMENT ON COLUMN etl.load_history.table_name IS 'The table, with its schema, as SQL writes it';
COMMENT ON COLUMN etl.load_history.uri IS 'The prefix that was loaded';
COMMENT ON COLUMN etl.load_history.format IS 'text, csv';
COMMENT ON COLUMN etl.load_history.started_at IS 'When it began';
COMMENT ON COLUMN etl.load_history.finished_at IS 'When the last row was in';
COMMENT ON COLUMN etl.load_history.rows IS 'Rows loaded';
COMMENT ON COLUMN etl.load_history.bytes IS 'Size of the files as stored';
COMMENT ON COLUMN etl.load_history.files IS 'Files read';

CREATE TABLE etl.unload_history (
	unload_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run_id bigint,
	username name NOT NULL,
	query text NOT NULL,
	uri text NOT NULL,
	format text NOT NULL,
	started_at timestamptz NOT NULL,
	finished_at timestamptz NOT NULL,
	rows bigint NOT NULL,
	bytes bigint NOT NULL,
	files integer NOT NULL
);
COMMENT ON TABLE etl.unload_history IS 'One row per unload that was committed; users see their own, readers and operators all';
COMMENT ON COLUMN etl.unload_history.unload_id IS 'Counts unloads';
COMMENT ON COLUMN etl.unload_history.run_id IS 'The run whose step unloaded; null outside of runs';
COMMENT ON COLUMN etl.unload_history.username IS 'Who unloaded';
COMMENT ON COLUMN etl.unload_history.query IS 'The query';
COMMENT ON COLUMN etl.unload_history.uri IS 'The prefix that was written to';
COMMENT ON COLUMN etl.unload_history.format IS 'text, csv';
COMMENT ON COLUMN etl.unload_history.started_at IS 'When it began';
COMMENT ON COLUMN etl.unload_history.finished_at IS 'When the last row was out';
COMMENT ON COLUMN etl.unload_history.rows IS 'Rows written, headers not counted';
COMMENT ON COLUMN etl.unload_history.bytes IS 'Size of the files as stored';
COMMENT ON COLUMN etl.unload_history.files IS 'Files written';

ALTER TABLE etl.load_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_loads ON etl.load_history FOR SELECT USING (username = current_user);
COMMENT ON POLICY own_loads ON etl.load_history IS 'Users see their own';
ALTER TABLE etl.unload_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_unloads ON etl.unload_history FOR SELECT USING (username = current_user);
COMMENT ON POLICY own_unloads ON etl.unload_history IS 'Users see their own';

CREATE FUNCTION etl.load(table_name regclass, uri text, format text DEFAULT 'text', options jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_load';
REVOKE ALL ON FUNCTION etl.load(regclass, text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl.load(regclass, text, text, jsonb)
	IS 'Load every object whose key starts with the prefix into the table; what COPY calls. Returns the number of rows.';

CREATE FUNCTION etl.unload(query text, uri text, format text DEFAULT 'text', options jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_unload';
REVOKE ALL ON FUNCTION etl.unload(text, text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl.unload(text, text, text, jsonb)
	IS 'Write the rows of a query to files whose keys start with the prefix; what UNLOAD calls. Returns the number of rows.';
