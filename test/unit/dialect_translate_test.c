/*
 * dialect_translate_test.c
 *		Statement by statement: what comes out, or which error at which place.
 */
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROLE " iam_role default"

static void
becomes(const char *sql, const char *expected)
{
	EtlTranslation out;
	EtlError error;

	if (!dialect_translate(sql, &out, &error))
		fail_msg("%s: %s", sql, error.message);
	assert_string_equal(out.sql, expected);
}

static void
passes(const char *sql)
{
	becomes(sql, sql);
}

static void
fails(const char *sql, int sqlstate, const char *message, int position)
{
	EtlTranslation out;
	EtlError error;

	if (dialect_translate(sql, &out, &error))
		fail_msg("%s: %s", sql, out.sql);
	assert_string_equal(error.message, message);
	assert_int_equal(error.sqlstate, sqlstate);
	assert_int_equal(error.position, position);
	assert_string_not_equal(error.hint, "");
}

/* The two can't be used together, in either order; the message names both, in the order of the rules. */
static void
pair_fails(const char *statement, const char *command, const char *first, const char *second)
{
	char sql[256];
	char message[256];

	for (int turned = 0; turned < 2; turned++)
	{
		EtlTranslation out;
		EtlError error;
		int given = (int) strcspn(first, " ");

		snprintf(sql, sizeof(sql), "%s %s %s", statement, turned ? second : first, turned ? first : second);
		snprintf(message, sizeof(message), "%s options \"%.*s\" and \"%.*s\" can't be used together", command, given, first,
				 (int) strcspn(second, " "), second);
		if (dialect_translate(sql, &out, &error))
			fail_msg("%s: %s", sql, out.sql);
		assert_string_equal(error.message, message);
		assert_int_equal(error.sqlstate, ERRCODE_SYNTAX_ERROR);
	}
}

static void
test_text(void **state)
{
	passes("select a, -- c\n  b /* d */ from t where x = 'it''s' and y ~ E'\\\\d'");
	passes("insert into a select * from b");
	passes("create function f() returns int as $$ select '\\d' $$ language sql");
	passes("select U&'\\0041', a # b, a #b, 1 #2, (1)#x, j #> '{a}', j #>> '{a}'");
	becomes("select 'a\\tb\\\\d', 'c'", "select E'a\\tb\\\\d', 'c'");
	becomes("select'\\''", "select E''''");
	becomes("select '\\''||'x'\n  '\\n'", "select E''''||E'x'\n  '\\n'");
	becomes("insert into #Stage select #s.a from x join #s on #s.a=#t.a",
			"insert into \"#stage\" select \"#s\".a from x join \"#s\" on \"#s\".a=\"#t\".a");
	becomes("select x::varchar(max), y::char(MAX), max(z)",
			"select x::varchar(65535), y::char(4096), max(z)");
	becomes("truncate t;;", "truncate t;;");
	becomes("", "");
	becomes("-- nothing", "");
	fails("select 1,\n '\\d'", ERRCODE_SYNTAX_ERROR, "ambiguous escape \"\\d\" in a string literal", 13);
	fails("select 'a", ERRCODE_SYNTAX_ERROR, "unterminated quoted string", 8);
}

static void
kind_is(const char *sql, EtlStatementKind kind)
{
	EtlTranslation out;
	EtlError error;

	assert_true(dialect_translate(sql, &out, &error));
	assert_int_equal(out.kind, kind);
	if (kind == ETL_STATEMENT_NOTHING)
		assert_string_equal(out.sql, "");
	else
		assert_string_equal(out.sql, sql);
}

static void
test_kinds(void **state)
{
	kind_is("begin", ETL_STATEMENT_BEGIN);
	kind_is("START TRANSACTION isolation level serializable", ETL_STATEMENT_BEGIN);
	kind_is("end transaction", ETL_STATEMENT_COMMIT);
	kind_is("Commit Work;", ETL_STATEMENT_COMMIT);
	kind_is("abort", ETL_STATEMENT_ROLLBACK);
	kind_is("rollback", ETL_STATEMENT_ROLLBACK);
	kind_is("rollback to savepoint a", ETL_STATEMENT_OTHER);
	kind_is("commit prepared 'a'", ETL_STATEMENT_OTHER);
	kind_is("set search_path to a", ETL_STATEMENT_OTHER);
	kind_is("set session query_group to 'nightly'", ETL_STATEMENT_NOTHING);
	kind_is("reset query_group", ETL_STATEMENT_NOTHING);
	kind_is(" ; ", ETL_STATEMENT_NOTHING);
}

static void
test_copy(void **state)
{
	becomes("copy sales from 's3://b/k' iam_role 'arn:aws:iam::1:role/x' CSV Delimiter AS ',' ignoreheader 1 "
			"gzip;",
			"SELECT etl.load('sales'::regclass, 's3://b/k', 'csv', '{\"delimiter\": \",\", \"gzip\": true, "
			"\"ignoreheader\": 1, \"iam_role\": \"arn:aws:iam::1:role/x\"}'::jsonb)");
	becomes(
		"copy s.\"T x\" (A, \"B\"\"c\") from 's3://b' credentials 'aws_access_key_id=AK; "
		"aws_secret_access_key=S/=;token=t' delimiter '\\t' null as '\\N' compupdate off statupdate",
		"SELECT etl.load('s.\"T x\"'::regclass, 's3://b', 'text', E'{\"columns\": [\"a\", \"B\\\\\"c\"], "
		"\"delimiter\": \"\\\\u0009\", \"null\": \"\\\\\\\\N\", \"compupdate\": false, \"statupdate\": true, "
		"\"credentials\": {\"access_key_id\": \"AK\", \"secret_access_key\": \"S/=\", "
		"\"session_token\": \"t\"}}'::jsonb)");
	becomes(
		"copy #t from 's3://b' with credentials as 'aws_iam_role=arn' format as json 's3://j' region as 'r'",
		"SELECT etl.load('\"#t\"'::regclass, 's3://b', 'json', '{\"region\": \"r\", \"jsonpaths\": "
		"\"s3://j\", "
		"\"iam_role\": \"arn\"}'::jsonb)");
	becomes("copy t from 's3://b' format parquet manifest" ROLE,
			"SELECT etl.load('t'::regclass, 's3://b', 'parquet', '{\"manifest\": true, \"iam_role\": "
			"\"default\"}'::jsonb)");
	becomes("copy t from 's3://b'" ROLE
			" avro acceptinvchars encoding UTF16 maxerror as 10 compupdate preset",
			"SELECT etl.load('t'::regclass, 's3://b', 'avro', '{\"jsonpaths\": \"auto\", \"acceptinvchars\": "
			"\"?\", "
			"\"encoding\": \"utf16\", \"compupdate\": \"preset\", \"maxerror\": 10, \"iam_role\": "
			"\"default\"}'::jsonb)");
	becomes("copy job from 's3://b' fixedwidth 'a:1,b:2' access_key_id 'k' secret_access_key 's'",
			"SELECT etl.load('job'::regclass, 's3://b', 'fixedwidth', '{\"fixedwidth\": \"a:1,b:2\", "
			"\"credentials\": "
			"{\"access_key_id\": \"k\", \"secret_access_key\": \"s\"}}'::jsonb)");
	becomes("copy t from 's3://b' csv quote '\\\"'" ROLE,
			"SELECT etl.load('t'::regclass, 's3://b', 'csv', E'{\"quote\": \"\\\\\"\", \"iam_role\": "
			"\"default\"}'::jsonb)");
}

static void
test_copy_passes(void **state)
{
	passes("copy t from stdin");
	passes("copy t (a, b) from '/tmp/x' with (format csv)");
	passes("copy (select 1 from x) to stdout");
	passes("copy t to 's3://x'");
}

static void
test_copy_errors(void **state)
{
	int syntax = ERRCODE_SYNTAX_ERROR;

	fails("copy t from 's3://b'" ROLE " ignorheader 1", syntax, "unknown COPY option \"ignorheader\"", 39);
	fails("copy t from 's3://b'" ROLE " csv csv", syntax, "COPY option \"CSV\" is given twice", 43);
	fails("copy t from 's3://b'" ROLE " escape csv", syntax,
		  "COPY options \"CSV\" and \"ESCAPE\" can't be used together", 46);
	fails("copy t from 's3://b'" ROLE " csv json", syntax,
		  "COPY options \"CSV\" and \"JSON\" can't be used together", 43);
	fails("copy t from 's3://b'" ROLE " parquet gzip", syntax,
		  "COPY options \"PARQUET\" and \"GZIP\" can't be used together", 47);
	fails("copy t from 's3://b'" ROLE " gzip zstd", syntax,
		  "COPY options \"GZIP\" and \"ZSTD\" can't be used together", 44);
	fails("copy t from 's3://b'" ROLE " quote '\"'", syntax, "COPY option \"QUOTE\" needs \"CSV\"", 39);
	fails("copy t from 's3://b'" ROLE " format yaml", syntax, "unknown COPY format \"yaml\"", 46);
	fails("copy t from 's3://b'" ROLE " as gzip", syntax, "unknown COPY format \"gzip\"", 42);
	fails("copy t from 's3://b'" ROLE " format xml", syntax, "COPY option \"XML\" needs \"ROWTAG\"", 46);
	fails("copy t from 's3://b'" ROLE " rowtag 'r'", syntax, "COPY option \"ROWTAG\" needs \"XML\"", 39);
	fails("copy t from 's3://b'" ROLE " format shapefile simplify auto", ERRCODE_FEATURE_NOT_SUPPORTED,
		  "option \"SHAPEFILE\" is not supported", 46);
	fails("copy t from 's3://b'" ROLE " maxerror 100001", ERRCODE_INVALID_PARAMETER_VALUE,
		  "option \"MAXERROR\" is out of range", 48);
	fails("copy t from 's3://b'" ROLE " maxerror 1.5", syntax, "syntax error at a literal", 48);
	fails("copy t from 's3://b'" ROLE " (format csv)", syntax, "syntax error at or near \"(\"", 39);
	fails("copy t from 's3://b' csv", syntax, "COPY has no authorization", 25);
	fails("copy t from 's3://b'" ROLE ROLE, syntax, "authorization \"iam_role\" is given twice", 39);
	fails("copy t from 's3://b'" ROLE " access_key_id 'a' secret_access_key 'b'", syntax,
		  "COPY has two authorizations: a role and an access key", 78);
	fails("copy t from 's3://b' access_key_id 'a'", syntax, "COPY has only a part of an access key", 39);
	fails("copy t from 's3://b' secret_access_key SeCrEt", syntax,
		  "authorization \"secret_access_key\" has no value in quotes", 40);
	fails("copy t from 's3://b' credentials 'SeCrEt'", syntax, "unknown part in the credentials string", 34);
	fails("copy t from 's3://b'" ROLE " encrypted", ERRCODE_FEATURE_NOT_SUPPORTED,
		  "option \"ENCRYPTED\" is not supported", 39);
	fails("copy t from 'emr://b'" ROLE, ERRCODE_FEATURE_NOT_SUPPORTED, "COPY from \"emr\" is not supported",
		  13);
	becomes("copy t from 's3://b/in/'" ROLE " csv job create Nightly",
			"SELECT etl.copy_job_create('nightly', 't'::regclass, 's3://b/in/', 'csv', '{\"iam_role\": \"default\"}'::jsonb,"
			" auto => true, statement => 'copy t from ''s3://b/in/'' iam_role default csv')");
	becomes("copy t from 's3://b/'" ROLE " job create a auto on",
			"SELECT etl.copy_job_create('a', 't'::regclass, 's3://b/', 'text', '{\"iam_role\": \"default\"}'::jsonb,"
			" auto => true, statement => 'copy t from ''s3://b/'' iam_role default')");
	becomes("copy job (a) from 's3://b/job create'" ROLE " job create \"my job\" auto off",
			"SELECT etl.copy_job_create('my job', 'job'::regclass, 's3://b/job create', 'text', '{\"columns\": [\"a\"],"
			" \"iam_role\": \"default\"}'::jsonb, auto => false,"
			" statement => 'copy job (a) from ''s3://b/job create'' iam_role default')");
	becomes("copy job from 's3://b'" ROLE,
			"SELECT etl.load('job'::regclass, 's3://b', 'text', '{\"iam_role\": \"default\"}'::jsonb)");
	becomes("COPY JOB RUN nightly;", "SELECT etl.copy_job_run('nightly')");
	becomes("copy job list", "SELECT * FROM redshift.sys_copy_job ORDER BY job_name");
	becomes("copy job show \"It's\"", "SELECT * FROM etl.copy_job_show('It''s')");
	becomes("copy job alter nightly auto off", "SELECT etl.copy_job_alter('nightly', false)");
	becomes("copy job alter nightly auto ON", "SELECT etl.copy_job_alter('nightly', true)");
	becomes("copy job drop nightly", "SELECT etl.copy_job_drop('nightly')");
	fails("copy job run", syntax, "syntax error at the end of the statement", 13);
	fails("copy job create nightly", syntax, "JOB CREATE has no COPY", 10);
	fails("copy job alter nightly", syntax, "syntax error at the end of the statement", 23);
	fails("copy job alter nightly auto", syntax, "syntax error at the end of the statement", 28);
	fails("copy job list nightly", syntax, "syntax error at or near \"nightly\"", 15);
	fails("copy t from 's3://b'" ROLE " job create", syntax, "syntax error at the end of the statement", 49);
	fails("copy t from 's3://b'" ROLE " job create a auto maybe", syntax, "syntax error at or near \"maybe\"", 57);
	fails("copy t from 's3://b'" ROLE " job create a csv", syntax, "syntax error at or near \"csv\"", 52);
	fails("copy t from 's3://b'" ROLE " job a", syntax, "unknown COPY option \"job\"", 39);
	fails("copy t from 's3://b' access_key_id 'a' secret_access_key 'SeCrEt' job create a", ERRCODE_FEATURE_NOT_SUPPORTED,
		  "a copy job cannot have keys", 67);
	fails("copy t from 's3://b'" ROLE " maxerror 5 job create a", ERRCODE_FEATURE_NOT_SUPPORTED,
		  "a copy job cannot have option \"MAXERROR\"", 39);
	fails("copy t (a b) from 's3://b'" ROLE, syntax, "syntax error at or near \"b\"", 11);
}

/* Every pair that Redshift's guide forbids, and those of ours that can't be meant. */
static void
test_copy_pairs(void **state)
{
	static const char *const lines_only[] = {"DELIMITER '|'", "ESCAPE", "FILLRECORD", "IGNOREBLANKLINES", "IGNOREHEADER 1",
											 "NULL AS ''", "READRATIO 5", "REMOVEQUOTES", "QUOTE '\"'"};
	static const struct
	{
		const char *format;
		const char *other;
	} pairs[] = {
		{"CSV", "ESCAPE"}, {"CSV", "REMOVEQUOTES"}, {"CSV", "FIXEDWIDTH 'a:1'"}, {"CSV", "JSON"}, {"CSV", "PARQUET"},
		{"FIXEDWIDTH 'a:1'", "DELIMITER '|'"}, {"FIXEDWIDTH 'a:1'", "ESCAPE"}, {"FIXEDWIDTH 'a:1'", "QUOTE '\"'"},
		{"FIXEDWIDTH 'a:1'", "REMOVEQUOTES"}, {"FIXEDWIDTH 'a:1'", "JSON"}, {"JSON", "AVRO"},
		{"PARQUET", "MAXERROR 1"}, {"PARQUET", "IGNOREALLERRORS"}, {"ORC", "ACCEPTANYDATE"}, {"ORC", "GZIP"},
		{"GZIP", "BZIP2"}, {"GZIP", "LZOP"}, {"GZIP", "ZSTD"}, {"BZIP2", "LZOP"}, {"BZIP2", "ZSTD"}, {"LZOP", "ZSTD"},
		{"IGNOREALLERRORS", "MAXERROR 0"},
	};
	static const char *const formats[] = {"JSON", "AVRO", "XML"};

	for (int i = 0; i < lengthof(pairs); i++)
		pair_fails("copy t from 's3://b'" ROLE, "COPY", pairs[i].format, pairs[i].other);
	for (int i = 0; i < lengthof(formats); i++)
		for (int j = 0; j < lengthof(lines_only); j++)
			pair_fails("copy t from 's3://b'" ROLE, "COPY", formats[i], lines_only[j]);
}

/* Options in every letter case, with AS and without, with commas, in any order. */
static void
test_copy_clauses(void **state)
{
	becomes("copy t from 's3://b' as Csv quote as '%', " ROLE " Region 'r'",
			"SELECT etl.load('t'::regclass, 's3://b', 'csv', '{\"region\": \"r\", \"quote\": \"%\", \"iam_role\": "
			"\"default\"}'::jsonb)");
	becomes("copy t from 's3://b' format as xml 's3://p' rowtag as 'order'" ROLE,
			"SELECT etl.load('t'::regclass, 's3://b', 'xml', '{\"xmlpaths\": \"s3://p\", \"rowtag\": \"order\", "
			"\"iam_role\": \"default\"}'::jsonb)");
	becomes("copy t from 's3://b' json as 'noshred' encoding as 'UTF16LE' maxerror 5 noload" ROLE,
			"SELECT etl.load('t'::regclass, 's3://b', 'json', '{\"jsonpaths\": \"noshred\", \"encoding\": \"utf16le\", "
			"\"maxerror\": 5, \"noload\": true, \"iam_role\": \"default\"}'::jsonb)");
	becomes("copy t from 's3://b' null '\\000' dateformat as 'auto' timeformat 'epochsecs' acceptinvchars as '^' comprows "
			"as 10 compupdate true statupdate false ignoreheader as 2 acceptanydate emptyasnull blanksasnull trimblanks "
			"truncatecolumns roundec explicit_ids removequotes escape ignoreallerrors readratio 10 lzop" ROLE,
			"SELECT etl.load('t'::regclass, 's3://b', 'text', E'{\"lzop\": true, \"acceptanydate\": true, "
			"\"acceptinvchars\": \"^\", \"blanksasnull\": true, \"dateformat\": \"auto\", \"emptyasnull\": true, "
			"\"escape\": true, \"explicit_ids\": true, \"ignoreheader\": 2, \"null\": \"\\\\\\\\0\", \"removequotes\": "
			"true, \"roundec\": true, \"timeformat\": \"epochsecs\", \"trimblanks\": true, \"truncatecolumns\": true, "
			"\"comprows\": 10, \"compupdate\": true, \"ignoreallerrors\": true, \"readratio\": 10, \"statupdate\": "
			"false, \"iam_role\": \"default\"}'::jsonb)");
}

static void
test_unload(void **state)
{
	becomes(
		"unload ('select a from t where b = ''x''') to 's3://b/output/' iam_role 'arn' allowoverwrite CSV "
		"DELIMITER AS ',' header parallel off",
		"SELECT etl.unload('select a from t where b = ''x''', 's3://b/output/', 'csv', '{\"header\": true, "
		"\"delimiter\": \",\", \"allowoverwrite\": true, \"parallel\": false, \"iam_role\": "
		"\"arn\"}'::jsonb)");
	becomes("unload ('select 1') to 's3://b' parquet rowgroupsize as 128 mb" ROLE,
			"SELECT etl.unload('select 1', 's3://b', 'parquet', '{\"rowgroupsize\": 134217728, \"iam_role\": \"default\"}'::jsonb)");
	becomes("unload ($$select '\\t', 'a' from #t;$$) to 's3://b'" ROLE,
			"SELECT etl.unload(E'select E''\\\\t'', ''a'' from \"#t\"', 's3://b', 'text', '{\"iam_role\": "
			"\"default\"}'::jsonb)");
	becomes(
		"unload ('select \\'a\\' from (select 1 limit 5) q') to 's3://b'" ROLE
		" format as parquet partition by (a, \"B\") include manifest verbose maxfilesize as 100 mb",
		"SELECT etl.unload('select ''a'' from (select 1 limit 5) q', 's3://b', 'parquet', "
		"'{\"partition_by\": "
		"[\"a\", \"B\"], \"include\": true, \"manifest\": true, \"manifest_verbose\": true, \"maxfilesize\": "
		"104857600, \"iam_role\": \"default\"}'::jsonb)");
	becomes(
		"unload ('with x as (select 1) select * from x') to 's3://b'" ROLE
		" encrypted auto extension 'tsv' delimiter '\\011' addquotes escape null as 'NULL' zstd cleanpath",
		"SELECT etl.unload('with x as (select 1) select * from x', 's3://b', 'text', E'{\"delimiter\": "
		"\"\\\\u0009\", \"addquotes\": true, \"null\": \"NULL\", \"escape\": true, \"zstd\": true, "
		"\"cleanpath\": "
		"true, \"extension\": \"tsv\", \"encrypted\": true, \"encrypted_auto\": true, \"iam_role\": "
		"\"default\"}'::jsonb)");
}

static void
test_unload_errors(void **state)
{
	int syntax = ERRCODE_SYNTAX_ERROR;

	fails("unload ('select 1 limit 5') to 's3://b'" ROLE, ERRCODE_FEATURE_NOT_SUPPORTED,
		  "UNLOAD of a query with an outer LIMIT is not supported", 9);
	fails("unload ($q$select 1 limit 5$q$) to 's3://b'" ROLE, ERRCODE_FEATURE_NOT_SUPPORTED,
		  "UNLOAD of a query with an outer LIMIT is not supported", 21);
	fails("unload ('delete from t') to 's3://b'" ROLE, syntax, "syntax error at or near \"delete\"", 9);
	fails("unload ('select 1; select 2') to 's3://b'" ROLE, syntax, "syntax error at or near \";\"", 9);
	fails("unload ('select ''a') to 's3://b'" ROLE, syntax, "unterminated quoted string", 9);
	fails("unload ('select 1') to '/tmp/x'" ROLE, syntax, "UNLOAD target \"/tmp/x\" is no S3 URI", 24);
	fails("unload ('select 1') to 's3://b'" ROLE " format yaml", syntax, "unknown UNLOAD format \"yaml\"", 57);
	fails("unload ('select 1') to 's3://b'" ROLE " master_symmetric_key 'k'", ERRCODE_FEATURE_NOT_SUPPORTED,
		  "option \"MASTER_SYMMETRIC_KEY\" is not supported", 50);
	fails("unload ('select 1') to 's3://b'" ROLE " parquet rowgroupsize 129 mb", ERRCODE_INVALID_PARAMETER_VALUE,
		  "option \"ROWGROUPSIZE\" is out of range", 71);
	fails("unload ('select 1') to 's3://b'", syntax, "UNLOAD has no authorization", 32);
	fails("unload ('select 1') to 's3://b'" ROLE " allowoverwrite cleanpath", syntax,
		  "UNLOAD options \"ALLOWOVERWRITE\" and \"CLEANPATH\" can't be used together", 65);
	fails("unload ('select 1') to 's3://b'" ROLE " json header", syntax,
		  "UNLOAD options \"JSON\" and \"HEADER\" can't be used together", 55);
	fails("unload ('select 1') to 's3://b'" ROLE " maxfilesize 1 mb", ERRCODE_INVALID_PARAMETER_VALUE,
		  "option \"MAXFILESIZE\" is out of range", 62);
	fails("unload ('select 1') to 's3://b'" ROLE " kms_key_id 'k'", syntax,
		  "UNLOAD option \"KMS_KEY_ID\" needs \"ENCRYPTED\"", 50);
}

static void
test_unload_pairs(void **state)
{
	static const struct
	{
		const char *format;
		const char *other;
	} pairs[] = {
		{"CSV", "FIXEDWIDTH 'a:1'"}, {"CSV", "ADDQUOTES"}, {"CSV", "ESCAPE"}, {"CSV", "PARQUET"},
		{"PARQUET", "DELIMITER '|'"}, {"PARQUET", "FIXEDWIDTH 'a:1'"}, {"PARQUET", "ADDQUOTES"}, {"PARQUET", "ESCAPE"},
		{"PARQUET", "NULL 'x'"}, {"PARQUET", "HEADER"}, {"PARQUET", "GZIP"}, {"PARQUET", "BZIP2"}, {"PARQUET", "ZSTD"},
		{"JSON", "DELIMITER '|'"}, {"JSON", "HEADER"}, {"JSON", "FIXEDWIDTH 'a:1'"}, {"JSON", "ADDQUOTES"},
		{"JSON", "ESCAPE"}, {"JSON", "NULL ''"}, {"JSON", "FORMULA_GUARD"}, {"FIXEDWIDTH 'a:1'", "DELIMITER '|'"},
		{"FIXEDWIDTH 'a:1'", "HEADER"}, {"FIXEDWIDTH 'a:1'", "ADDQUOTES"}, {"FIXEDWIDTH 'a:1'", "ESCAPE"},
		{"BZIP2", "GZIP"}, {"BZIP2", "ZSTD"}, {"GZIP", "ZSTD"}, {"ALLOWOVERWRITE", "CLEANPATH"},
	};

	for (int i = 0; i < lengthof(pairs); i++)
		pair_fails("unload ('select 1') to 's3://b'" ROLE, "UNLOAD", pairs[i].format, pairs[i].other);
	fails("unload ('select 1') to 's3://b'" ROLE " rowgroupsize 32 mb", ERRCODE_SYNTAX_ERROR,
		  "UNLOAD option \"ROWGROUPSIZE\" needs \"PARQUET\"", 50);
	fails("unload ('select 1') to 's3://b'" ROLE " encrypted auto kms_key_id 'k'", ERRCODE_SYNTAX_ERROR,
		  "UNLOAD options \"ENCRYPTED AUTO\" and \"KMS_KEY_ID\" can't be used together", 65);
	fails("unload ('select 1') to 's3://b' encrypted kms_key_id 'k' credentials 'aws_iam_role=a'", ERRCODE_SYNTAX_ERROR,
		  "UNLOAD options \"KMS_KEY_ID\" and \"CREDENTIALS\" can't be used together", 43);
}

static void
test_unload_clauses(void **state)
{
	becomes("unload ('select 1') to 's3://b' json, gzip parallel true maxfilesize 1 gb region as 'r'" ROLE
			" encrypted kms_key_id 'k'",
			"SELECT etl.unload('select 1', 's3://b', 'json', '{\"gzip\": true, \"parallel\": true, \"maxfilesize\": "
			"1073741824, \"region\": \"r\", \"encrypted\": true, \"kms_key_id\": \"k\", \"iam_role\": "
			"\"default\"}'::jsonb)");
	becomes("unload ('select 1') to 's3://b' fixedwidth as 'a:1' parallel on maxfilesize 5.5 manifest" ROLE,
			"SELECT etl.unload('select 1', 's3://b', 'fixedwidth', '{\"fixedwidth\": \"a:1\", \"manifest\": true, "
			"\"parallel\": true, \"maxfilesize\": 5767168, \"iam_role\": \"default\"}'::jsonb)");
	becomes("unload ('select 1') to 's3://b' format csv formula_guard parallel false" ROLE,
			"SELECT etl.unload('select 1', 's3://b', 'csv', '{\"parallel\": false, \"formula_guard\": true, "
			"\"iam_role\": \"default\"}'::jsonb)");
}

static void
test_external(void **state)
{
	becomes("create external schema if not exists Spec from data catalog database 'd' region 'r' iam_role "
			"default "
			"create external database if not exists",
			"SELECT etl.create_external_schema('spec', true, '{\"database\": \"d\", \"region\": \"r\", "
			"\"iam_role\": "
			"\"default\", \"create_database\": true}'::jsonb)");
	becomes(
		"create external table s.t (a int, b string, \"C\" varchar(10), d double, e tinyint) "
		"partitioned by (saledate date) row format delimited fields terminated by '\\001' stored as textfile "
		"location 's3://b/' table properties ('numRows'='1')",
		"CREATE FOREIGN TABLE s.t (\n\ta int,\n\tb text,\n\t\"C\" varchar(10),\n\td double precision,\n\t"
		"e smallint,\n\tsaledate date\n) SERVER etl_external OPTIONS (location 's3://b/', format 'text', "
		"partition_columns '[\"saledate\"]', field_delimiter E'\\001', table_properties '{\"numRows\": "
		"\"1\"}')");
	becomes("create external table s.t (a int) row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde."
			"ParquetHiveSerDe' stored as inputformat 'x.MapredParquetInputFormat' outputformat 'x.Out' "
			"location 's3://b'",
			"CREATE FOREIGN TABLE s.t (\n\ta int\n) SERVER etl_external OPTIONS (location 's3://b', format "
			"'parquet', "
			"input_format 'x.MapredParquetInputFormat', output_format 'x.Out')");
	becomes("create external table s.t (a int) row format serde 'a.OpenCSVSerde' with serdeproperties "
			"('separatorChar'=',', 'quoteChar'='\\\"') stored as textfile location 's3://b'",
			"CREATE FOREIGN TABLE s.t (\n\ta int\n) SERVER etl_external OPTIONS (location 's3://b', format "
			"'opencsv', "
			"serde_properties E'{\"separatorChar\": \",\", \"quoteChar\": \"\\\\\"\"}')");
	becomes("create external table s.t (a int) row format serde 'a.LazySimpleSerDe' with serdeproperties "
			"('field.delim'=',') stored as textfile location 's3://b'",
			"CREATE FOREIGN TABLE s.t (\n\ta int\n) SERVER etl_external OPTIONS (location 's3://b', format "
			"'text', "
			"field_delimiter ',', serde_properties '{\"field.delim\": \",\"}')");
}

static void
test_external_errors(void **state)
{
	int syntax = ERRCODE_SYNTAX_ERROR;
	int refused = ERRCODE_FEATURE_NOT_SUPPORTED;

	fails("create external schema s from postgres database 'd'", refused,
		  "external schema FROM \"postgres\" is not supported", 31);
	fails("create external schema s from data catalog database 'd'", syntax,
		  "CREATE EXTERNAL SCHEMA has no IAM_ROLE", 56);
	fails("create external table s.t stored as parquet location 's3://b' as select 1", refused,
		  "command \"CREATE EXTERNAL TABLE AS\" is not supported", 63);
	fails("create external table s.t (a struct<b:int>) stored as parquet location 's3://b'", refused,
		  "type \"struct\" of column \"a\" is not supported", 30);
	fails("create external table s.t (a int) partitioned by (A int) stored as parquet location 's3://b'",
		  ERRCODE_DUPLICATE_COLUMN, "column \"a\" is there twice", 51);
	fails("create external table s.t (a int) stored as rcfile location 's3://b'", refused,
		  "file format \"rcfile\" is not supported", 45);
	fails("create external table s.t (a int) stored as parquet", syntax,
		  "external table \"s.t\" has no LOCATION", 52);
	fails(
		"create external table s.t (a int) row format serde 'x.OrcSerde' stored as parquet location 's3://b'",
		syntax, "external table \"s.t\" is stored as parquet and has a row format for orc", 100);
	fails("alter table s.t set location 's3://b'", refused, "ALTER TABLE ... set location is not supported",
		  17);
}

static void
test_external_columns(void **state)
{
	StringInfoData sql;
	EtlTranslation out;
	EtlError error;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "create external table s.t (a0 int");
	for (int i = 1; i < 1600; i++)
		appendStringInfo(&sql, ", a%d int", i);
	assert_true(dialect_translate(psprintf("%s) stored as orc location 's3://b'", sql.data), &out, &error));
	assert_false(
		dialect_translate(psprintf("%s, b int) stored as orc location 's3://b'", sql.data), &out, &error));
	assert_int_equal(error.sqlstate, ERRCODE_TOO_MANY_COLUMNS);
}

static void
test_partitions(void **state)
{
	becomes(
		"ALTER TABLE s.t ADD partition(k='a') location 's3://b/1' partition(k='b', n=2) location 's3://b/2'",
		"SELECT etl.add_partition('s.t'::regclass, '{\"k\": \"a\"}'::jsonb, 's3://b/1', false),\n"
		"       etl.add_partition('s.t'::regclass, '{\"k\": \"b\", \"n\": \"2\"}'::jsonb, 's3://b/2', "
		"false)");
	becomes("alter table s.t add if not exists partition (k='a') location 's3://b/1'",
			"SELECT etl.add_partition('s.t'::regclass, '{\"k\": \"a\"}'::jsonb, 's3://b/1', true)");
	becomes("alter table s.t drop partition (k='a')",
			"SELECT etl.drop_partition('s.t'::regclass, '{\"k\": \"a\"}'::jsonb)");
	becomes("alter table s.t partition (k='a') set location 's3://b'",
			"SELECT etl.set_partition_location('s.t'::regclass, '{\"k\": \"a\"}'::jsonb, 's3://b')");
	passes("alter table t add partition varchar(3)");
	passes("alter table t drop partition");
	passes("alter table only t add column a int");
	passes("alter table if exists t rename to u");
	fails("alter table s.t add partition (k='a')", ERRCODE_SYNTAX_ERROR,
		  "syntax error at the end of the statement", 38);
}

static void
test_drop(void **state)
{
	becomes("drop table a", "SELECT etl.drop_table(ARRAY['a']::text[], false, false)");
	becomes("DROP TABLE IF EXISTS a . b, \"C d\", #t CASCADE;",
			"SELECT etl.drop_table(ARRAY['a.b', '\"C d\"', '\"#t\"']::text[], true, true)");
	becomes("drop schema if exists s /* x */ drop external database cascade",
			"drop schema if exists s /* x */  cascade");
	passes("drop schema s cascade");
	passes("drop view v");
}

static void
test_create_table(void **state)
{
	becomes("create table s.t (id int identity(0,1) not null distkey, -- key\n  d varchar(max) encode zstd "
			"sortkey)",
			"create table s.t (id int GENERATED ALWAYS AS IDENTITY (START WITH 0 INCREMENT BY 1 MINVALUE 0) "
			"not null, "
			"-- key\n  d varchar(65535))");
	becomes("create table t (id bigint generated by default as identity(5,-1), distkey int, encode text)",
			"create table t (id bigint generated by default as IDENTITY (START WITH 5 INCREMENT BY -1 "
			"MAXVALUE 5), "
			"distkey int, encode text)");
	becomes("create table t (a int, primary key (a)) backup no diststyle key distkey (a) interleaved sortkey "
			"(a, b)",
			"create table t (a int, primary key (a))");
	becomes("create table t (a varchar collate case_sensitive) sortkey auto encode auto diststyle auto",
			"create table t (a varchar)");
	becomes("create table t distkey(a)as select 'x\\n' a from #s",
			"create table t as select E'x\\n' a from \"#s\"");
	becomes("create temp table t (a, b) diststyle all as (select distkey, sortkey from x)",
			"create temp table t (a, b) as (select distkey, sortkey from x)");
	becomes("create table if not exists #T (like p including defaults)",
			"create TEMPORARY table if not exists \"#t\" (like p including defaults)");
	passes("create table t (a int generated always as identity (start with 5), b bytea default encode('a', "
		   "'hex'))");
	passes("create table t partition of p for values from ('a') to ('b') partition by list (a)");
	passes("create view v as select distkey from t");
	fails("create table t (a int distkey, b int distkey)", ERRCODE_INVALID_TABLE_DEFINITION,
		  "a table can't have two DISTKEY columns", 38);
	fails("create table t (a int distkey) diststyle even", ERRCODE_INVALID_TABLE_DEFINITION,
		  "DISTKEY can only be used with DISTSTYLE KEY", 32);
	fails("create table t (a int) diststyle some", ERRCODE_SYNTAX_ERROR, "syntax error at or near \"some\"",
		  34);
	fails("create table t (a int identity(0,0))", ERRCODE_INVALID_PARAMETER_VALUE,
		  "the step of IDENTITY can't be zero", 23);
	fails("create table t (a varchar(5) collate case_insensitive)", ERRCODE_FEATURE_NOT_SUPPORTED,
		  "COLLATE CASE_INSENSITIVE is not supported", 30);
	fails("create table t (a int", ERRCODE_SYNTAX_ERROR, "syntax error at the end of the statement", 22);
}

/* The place that the detail names is the script's when the caller says where the statement stands. */
static void
test_place(void **state)
{
	const char *script = "select 1;\nselect ö,\n  '\\d'";
	EtlTranslation out;
	EtlScript statements;
	EtlError error;

	assert_true(dialect_split(script, &statements, &error));
	assert_false(dialect_translate(statements.statements[1].sql, &out, &error));
	assert_string_equal(error.detail, "At line 2, column 4.");
	dialect_error_locate(&error, script, statements.statements[1].offset);
	assert_string_equal(error.detail, "At line 3, column 4.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_passes),
		cmocka_unit_test(test_copy_errors),
		cmocka_unit_test(test_copy_pairs),
		cmocka_unit_test(test_copy_clauses),
		cmocka_unit_test(test_unload),
		cmocka_unit_test(test_unload_errors),
		cmocka_unit_test(test_unload_pairs),
		cmocka_unit_test(test_unload_clauses),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_external_errors),
		cmocka_unit_test(test_external_columns),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_create_table),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests_name("dialect_translate", tests, NULL, NULL);
}
