-- etl.s3_glob: objects by a pattern
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SELECT count(etl.s3_put('s3://glob-test/' || key, 'x'))
FROM unnest(ARRAY['a.csv', 'a.tsv', 'b[1].csv', 'sales/2025/1.csv', 'sales/2025/2.csv.gz', 'sales/2026/1.csv',
    'sales/2026/q1/1.csv', 'sales/all.csv', 'sälés/1.csv']) AS key;
CREATE FUNCTION glob(pattern text) RETURNS text LANGUAGE sql AS
$$SELECT string_agg(replace(uri, 's3://glob-test/', ''), ' ') FROM etl.s3_glob('s3://glob-test/' || pattern)$$;
SELECT pattern, glob(pattern)
FROM unnest(ARRAY['*', '*.csv', 'a.[ct]sv', 'a.{csv,tsv}', 'sales/*', 'sales/*/*', 'sales/**', 'sales/**/1.csv', '**.gz',
    'sales/202[!5]/*', 's?l?s/1.csv', 'b\[1\].csv', 'b[1].csv', 'sales/all.csv', '', 'none*']) AS pattern;
-- what is no pattern, and what is no bucket
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT * FROM etl.s3_glob('s3://glob-test/[a');
SELECT * FROM etl.s3_glob('s3://glob-test/{a');
SELECT * FROM etl.s3_glob('s3://glob-test/a\');
SELECT * FROM etl.s3_glob('s3://glob-*/a');
SELECT * FROM etl.s3_glob(NULL);
DROP FUNCTION glob;
DROP SERVER aws;
\! rm -rf "$ETL_TEST_ROOT/glob-test"
