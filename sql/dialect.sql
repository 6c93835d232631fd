-- Redshift's statements as PostgreSQL's: what etl.translate makes of each, and how each is refused.
\pset format unaligned
\pset tuples_only on

-- a script keeps its order; comments between statements and empty statements go
SELECT etl.translate($$ /* setup */ select 1 ; ; -- two
begin; select ';' ; end $$);

-- passes byte for byte
SELECT etl.translate($$SELECT  a -- why
  FROM t /* ; */ WHERE b = 'it''s' AND c ~ E'\\d'$$);
SELECT etl.translate($$insert into public.sales select * from lake.sales where qtysold >= 5$$);
SELECT etl.translate($$copy t from '/tmp/local' with (format csv)$$);

-- literals: a backslash is an escape, as Redshift has it
SELECT etl.translate($$select 'a\tb', '\\d', 'it\'s'$$);
SELECT etl.translate($$select 'a\tb\\d''\''$$) AS translated \gset
:translated;
SELECT etl.translate($$select x,
  '\d'$$);
SELECT etl.translate($$select 'C:\'$$);

-- COPY
SELECT etl.translate($$copy public.sales from 's3://bucket/sales/' iam_role default csv delimiter as ',' ignoreheader 1 gzip$$);
SELECT etl.translate($$COPY "Sales" (id, "Name") FROM 's3://bucket/x' CREDENTIALS 'aws_iam_role=arn:aws:iam::1:role/r' NULL AS '\N' MAXERROR 5$$);
SELECT etl.translate($$copy t from 's3://bucket/x' iam_role default json 's3://bucket/paths.json' region 'eu-west-1'$$);
SELECT etl.translate($$copy t from 's3://bucket/x' iam_role default csv escape$$);
SELECT etl.translate($$copy t from 's3://bucket/x' iam_role default delimeter ','$$);
SELECT etl.translate($$copy t from 's3://bucket/x' csv$$);
SELECT etl.translate($$copy t from 's3://bucket/x' iam_role default access_key_id 'a' secret_access_key 'b'$$);
SELECT etl.translate($$copy t from 's3://bucket/x' credentials 'Sup3rS3cret'$$);
SELECT etl.translate($$copy t from 'dynamodb://x' iam_role default$$);
SELECT etl.translate($$copy job list$$);

-- UNLOAD
SELECT etl.translate($$unload ('select a, sum(b) as total from t where c = ''x'' group by a order by total desc')
to 's3://bucket/output/' iam_role default allowoverwrite CSV DELIMITER AS ',' header parallel off$$);
SELECT etl.translate($x$unload ($$select * from t$$) to 's3://bucket/output/' iam_role default$x$);
SELECT etl.translate($$unload ('select * from t limit 10') to 's3://bucket/output/' iam_role default$$);
SELECT etl.translate($$unload ('select * from t') to 's3://bucket/output/' iam_role default allowoverwrite cleanpath$$);
SELECT etl.translate($$unload ('select 1') to 's3://bucket/x' iam_role default encrypted master_symmetric_key 'k'$$);
SELECT etl.translate($$copy t from 's3://bucket/x' iam_role default master_symmetric_key 'k'$$);

-- external schema, table, partitions
SELECT etl.translate($$create external schema if not exists lake from data catalog database 'd' region 'us-east-1'
iam_role default create external database if not exists$$);
SELECT etl.translate($$create external schema lake from mysql database 'd'$$);
SELECT etl.translate($$create external table lake.sales (id int, note string, price double)
partitioned by (saledate date) row format delimited fields terminated by '\t' stored as textfile
location 's3://bucket/sales/' table properties ('skip.header.line.count'='1')$$);
SELECT etl.translate($$create external table lake.reviews (id int)
row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
stored as inputformat 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
outputformat 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat' location 's3://bucket/reviews/'$$);
SELECT etl.translate($$create external table lake.t (a array<int>) stored as parquet location 's3://bucket/'$$);
SELECT etl.translate($$alter table lake.sales add if not exists partition (saledate='2008-01-01') location 's3://bucket/1/'
partition (saledate='2008-03-01') location 's3://bucket/3/'$$);
SELECT etl.translate($$alter table lake.sales drop partition (saledate='2008-01-01')$$);
SELECT etl.translate($$alter table lake.sales partition (saledate='2008-01-01') set location 's3://bucket/2/'$$);
SELECT etl.translate($$drop table if exists lake.sales, "T" cascade; drop schema lake drop external database$$);

-- CREATE TABLE: what comes out is made
SELECT etl.translate($$create table #Stage (id bigint identity(0,1) not null distkey, -- the key
  code varchar(max) encode zstd, at timestamp default '2026-01-01' sortkey, primary key (id)) backup no$$) AS translated \gset
\echo :translated
:translated;
SELECT etl.translate($$create table #copy diststyle even compound sortkey (id) as select * from #stage$$) AS translated \gset
\echo :translated
:translated;
SELECT etl.translate($$insert into #stage (code) values ('a\tb'); select #stage.id, length(code) from #stage$$) AS translated \gset
\echo :translated
:translated;
SELECT etl.translate($$create table t (a int distkey, b int distkey)$$);
SELECT etl.translate($$create table t (a varchar(5) collate case_insensitive)$$);

-- nobody may call it but by a grant
SELECT proacl IS NOT NULL AND NOT has_function_privilege('public', oid, 'EXECUTE') FROM pg_proc WHERE oid = 'etl.translate(text)'::regprocedure;
