-- What everything else stands on: the two schemas. They are the extension's own, so DROP EXTENSION takes them along.
CREATE SCHEMA etl;
COMMENT ON SCHEMA etl IS 'pg_etl: workflows as rows, Redshift SQL, and AWS as function calls';

CREATE SCHEMA redshift;
COMMENT ON SCHEMA redshift IS 'pg_etl: functions and views under the names that Amazon Redshift gives them; on the search_path of translated statements';
