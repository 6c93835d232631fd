-- What everything else stands on: the schema of Redshift's names. Schema etl is made by CREATE EXTENSION itself.
COMMENT ON SCHEMA etl IS 'pg_etl: workflows as rows, Redshift SQL, and AWS as function calls';

CREATE SCHEMA redshift;
COMMENT ON SCHEMA redshift IS 'pg_etl: functions and views under the names that Amazon Redshift gives them; on the search_path of translated statements';
