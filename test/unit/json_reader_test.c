/*
 * json_reader_test.c
 *		Rows of JSON, and the paths to values in them.
 */
#include "format/json_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "records.h"

static const char *const columns[] = {"a", "b", "c"};
static const EtlJsonOptions by_name = {.mapping = ETL_JSON_AUTO, .columns = columns, .column_count = 3};
static const EtlJsonOptions by_any_case = {
	.mapping = ETL_JSON_AUTO_IGNORECASE, .columns = columns, .column_count = 3};
static const EtlJsonOptions as_one = {.mapping = ETL_JSON_NOSHRED, .column_count = 1};

static EtlRecordReader *
make(const void *options)
{
	return json_reader_create(options);
}

static void
expect(const char *input, const char *expected)
{
	records_expect(make, &by_name, input, strlen(input), expected);
}

static void
expect_as(const EtlJsonOptions *options, const char *input, const char *expected)
{
	records_expect(make, options, input, strlen(input), expected);
}

static void
expect_paths(const char *file, const char *input, const char *expected)
{
	EtlJsonOptions options = {.mapping = ETL_JSON_PATHS};
	EtlJsonPaths paths;
	EtlError error;

	if (!json_paths_parse(file, strlen(file), "jsonpaths", &paths, &error))
		fail_msg("%s %s", error.message, error.detail);
	options.paths = &paths;
	options.column_count = paths.count;
	records_expect(make, &options, input, strlen(input), expected);
}

static void
test_values(void **state)
{
	expect("{\"a\":1,\"b\":\"x\",\"c\":true}\n", "1:1/[x]/true\n");
	expect("{\"c\" : false , \"b\" : null}", "1:~/~/false\n");
	expect("{}", "1:~/~/~\n");
	expect("{\"a\":-0.5e+10,\"b\":\"\",\"c\":0}", "1:-0.5e+10/[]/0\n");
	expect("{\"a\":{\"x\": [1, 2]},\"b\":[],\"c\":[ {} ]}", "1:{\"x\": [1, 2]}/[]/[ {} ]\n");
	expect("{\"A\":1,\"aa\":2,\"\":3,\"b\":4}", "1:~/4/~\n");
	expect("{\"a\":1,\"a\":2,\"b\":1,\"b\":null}", "1:2/~/~\n");
	expect("{\"a\":{\"b\":1}}", "1:{\"b\":1}/~/~\n");
	expect("{\"a\":\"0123456789abcdef0123456789abcdef\",\"b\":\"0123456789abcde\\\"\"}",
		   "1:[0123456789abcdef0123456789abcdef]/[0123456789abcde\"]/~\n");
}

static void
test_escapes(void **state)
{
	expect("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"b\":\"\\u00e9\\u20AC\\ud83d\\ude00\\u0041\"}",
		   "1:[\"\\/\b\f\n\r\t]/[\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
		   "A]/~\n");
	expect("{\"\\u0061\":1,\"\\ud800\":2}", "1:1/~/~\n");
	/* what isn't loaded may be what no text is */
	expect("{\"x\":\"\\u0000\\ud800\",\"a\":[\"\\u0000\"]}", "1:[\"\\u0000\"]/~/~\n");
	expect("{\"a\":1}\n{\"a\":\"x\\u0000\"}\n{\"a\":3}", "1:1/~/~\n2!line 2: \\u0000 in field 1\n3:3/~/~\n");
	expect("{\"b\":\"\\ud800x\"}", "1!line 1: half of a surrogate pair in field 2\n");
	expect("{\"b\":\"\\ud800\\ud800\"}", "1!line 1: half of a surrogate pair in field 2\n");
	expect("{\"b\":\"\\udc00\"}", "1!line 1: half of a surrogate pair in field 2\n");
}

static void
test_between_records(void **state)
{
	expect("", "");
	expect(" \r\n\t\n", "");
	expect("\xEF\xBB\xBF{\"a\":1}\r\n\r\n{\"a\":2}", "1:1/~/~\n3:2/~/~\n");
	expect("{\"a\":1}{\"a\":2} {\"a\":3}", "1:1/~/~\n1:2/~/~\n1:3/~/~\n");
	expect("{\n\"a\":\n1\n}\n{\"a\":2}\n", "4:1/~/~\n5:2/~/~\n");
	expect("[{\"a\":1},\n{\"a\":2}]", "1:1/~/~\n2:2/~/~\n");
	expect("[]\n[{\"a\":1}][\n{\"a\":2}\n]{\"a\":3}", "2:1/~/~\n3:2/~/~\n4:3/~/~\n");
	expect("[{\"a\":1}\n", "1:1/~/~\n2!line 2: invalid JSON: the array around the objects is not closed\n");
	expect("[{\"a\":1},]{\"a\":2}",
		   "1:1/~/~\n1!line 1: invalid JSON: a comma is followed by no element\n1:2/~/~\n");
	expect("[{\"a\":1} {\"a\":2},{\"a\":3}]",
		   "1:1/~/~\n1!line 1: invalid JSON: two elements have no comma between them\n1:3/~/~\n");
	expect("[1,\"x,]\",[{\"a\":1}],{\"a\":2}]",
		   "1!line 1: invalid JSON: it is no object\n1!line 1: invalid JSON: it is no object\n"
		   "1!line 1: invalid JSON: it is no object\n1:2/~/~\n");
	expect("[,{\"a\":2}]", "1!line 1: invalid JSON: it is no JSON value\n1:2/~/~\n");
	expect("{\"a\":1},{\"a\":2}", "1:1/~/~\n1!line 1: invalid JSON: it is no JSON value\n1:2/~/~\n");
}

#define BAD(problem) "1!line 1: invalid JSON: " problem "\n"

static void
test_malformed(void **state)
{
	expect("{\"a\":1,}", BAD("a member has no name in double quotes"));
	expect("{'a':1}", BAD("a member has no name in double quotes"));
	expect("{a:1}", BAD("a member has no name in double quotes"));
	expect("{\"a\" 1}", BAD("a member has no colon after its name"));
	expect("{\"a\":1 \"b\":2}", BAD("two members have no comma between them"));
	expect("{\"a\":[1 2]}", BAD("two elements have no comma between them"));
	expect("{\"a\":[1,]}", BAD("it is no JSON value"));
	expect("{\"a\":}", BAD("it is no JSON value"));
	expect("{\"a\":[1}", BAD("two elements have no comma between them"));
	expect("{\"a\":01}", BAD("two members have no comma between them"));
	expect("{\"a\":+1}", BAD("it is no JSON value"));
	expect("{\"a\":.5}", BAD("it is no JSON value"));
	expect("{\"a\":1.}", BAD("a number has no digit after its point"));
	expect("{\"a\":1e}", BAD("a number has no digit in its exponent"));
	expect("{\"a\":-}", BAD("it is no JSON value"));
	expect("{\"a\":NaN}", BAD("it is no JSON value"));
	expect("{\"a\":Infinity}", BAD("it is no JSON value"));
	expect("{\"a\":nul}", BAD("it is no JSON value"));
	expect("{\"a\":truex}", BAD("two members have no comma between them"));
	expect("{\"a\":\"\\x\"}", BAD("a string has an escape that is none"));
	expect("{\"a\":\"\\u12g4\"}", BAD("\\u is not followed by four hexadecimal digits"));
	expect("{\"a\":\"\t\"}", BAD("a string has a control character in it"));
	expect("{\"a\":\"x", BAD("it is cut off"));
	expect("{\"a\":\"\\", BAD("it is cut off"));
	expect("{\"a\":[1", BAD("it is cut off"));
	expect("{", BAD("it is cut off"));
	expect("12", BAD("it is no object"));
	expect("{\"a\":/*c*/1}", BAD("it is no JSON value"));
}

/* Reading goes on where the record may end. */
static void
test_going_on(void **state)
{
	/* its brackets */
	expect("{\"a\":[1,],\"b\":{}} {\"a\":2}", BAD("it is no JSON value") "1:2/~/~\n");
	expect("{\"a\":x,\n \"b\":\"}\"}\n{\"a\":2}", BAD("it is no JSON value") "3:2/~/~\n");
	expect("{\"a\":1}}{\"a\":2}", "1:1/~/~\n" BAD("it is no JSON value") "1:2/~/~\n");
	/* the next line that begins with one */
	expect("{\"a\":1,\n{\"a\":2}\n", BAD("a member has no name in double quotes") "2:2/~/~\n");
	expect("{\"a\":\"x\n{\"a\":2}\n", BAD("a string is not closed on its line") "2:2/~/~\n");
	expect("{\"a\":\"x\r\n{\"a\":2}\n", BAD("a string is not closed on its line") "2:2/~/~\n");
	expect("{\"a\":[1,2\n{\"a\":2}\n", BAD("two elements have no comma between them") "2:2/~/~\n");
	expect("{\"a\" 1, [\n{\"a\":2}\n", BAD("a member has no colon after its name") "2:2/~/~\n");
	/* the line of what is wrong */
	expect("{\n\"a\":1,\n\"b\":x\n}\n{\"a\":2}", "3!line 3: invalid JSON: it is no JSON value\n5:2/~/~\n");
	/* what is no object: its line, or the next object on it */
	expect("garbage, more\n{\"a\":2}", BAD("it is no JSON value") "2:2/~/~\n");
	expect("garbage {\"a\":2}", BAD("it is no JSON value") "1:2/~/~\n");
	expect("a,b,c\n1,2,3\n", BAD("it is no JSON value") "2!line 2: invalid JSON: it is no object\n"
														"2!line 2: invalid JSON: it is no JSON value\n");
	expect("[garbage, {\"a\":2}, x]", BAD("it is no JSON value") "1:2/~/~\n" BAD("it is no JSON value"));
	expect("]\n{\"a\":2}", BAD("it is no JSON value") "2:2/~/~\n");
	expect("\"{\n{\"a\":2}", BAD("a string is not closed on its line") "2:2/~/~\n");
}

static void
test_mappings(void **state)
{
	expect_as(&by_any_case, "{\"A\":1,\"B\":2,\"c\":3}{\"a\":4,\"b\":5,\"C\":6}", "1:1/2/3\n1:4/5/6\n");
	expect_as(&by_any_case, "{\"A\":1,\"a\":2,\"\\u0042\":3}", "1:2/3/~\n");
	expect_as(&as_one, "{\"A\": 1}[{},{\"b\" :\n2}]", "1:{\"A\": 1}\n1:{}\n2:{\"b\" :\n2}\n");
	expect_as(&as_one, "{\"A\": 1,}", BAD("a member has no name in double quotes"));
}

static void
test_paths(void **state)
{
	const char *nested =
		"{\"jsonpaths\": [\"$['a']['b'][0]\", \"$.c.d\", \"$.a\", \"$[\\\"x.y\\\"]\", \"$.c.d\"]}";

	expect_paths(nested, "{\"x.y\":1,\"c\":{\"e\":0,\"d\":\"\\u0041\"},\"a\":{\"b\":[\"p\",\"q\"]}}",
				 "1:[p]/[A]/{\"b\":[\"p\",\"q\"]}/1/[A]\n");
	expect_paths(nested, "{}", "1:~/~/~/~/~\n");
	expect_paths(nested, "{\"a\":null,\"c\":{\"d\":null}}", "1:~/~/~/~/~\n");
	expect_paths(nested, "{\"a\":{\"b\":null}}", "1:~/~/{\"b\":null}/~/~\n");
	expect_paths(nested, "{\"a\":{\"b\":[]}}",
				 "1!line 1: invalid JSONPath: not an array or index out of range\n");
	expect_paths(nested, "{\"a\":{\"b\":3}}{}",
				 "1!line 1: invalid JSONPath: not an array or index out of range\n1:~/~/~/~/~\n");
	expect_paths(nested, "{\"c\":[]}", "1!line 1: invalid JSONPath: member is not an object\n");
	/* the last of one name counts, with all that is in it */
	expect_paths(nested, "{\"c\":{\"d\":1},\"c\":{\"e\":2},\"a\":{\"b\":[]},\"a\":{\"b\":[7]}}",
				 "1:7/~/{\"b\":[7]}/~/~\n");
	expect_paths("{\"jsonpaths\": [\"$\", \"$.a\"]}", "{\"a\":1}[{}]", "1:{\"a\":1}/1\n1:{}/~\n");
	/* arrays that are records */
	expect_paths(
		"{\"jsonpaths\": [\"$[1]\", \"$[0]\", \"$[3][1]\"]}",
		"[1,\"x\",2,[3,4]]\n[1,2,null,null,5] [1]\n[[1],2,3,[4,5]]",
		"1:[x]/1/4\n2:2/1/~\n2!line 2: invalid JSONPath: not an array or index out of range\n3:2/[1]/5\n");
}

static void
expect_bad_paths(const char *file, const char *message, const char *detail)
{
	EtlJsonPaths paths;
	EtlError error;

	assert_false(json_paths_parse(file, strlen(file), "jsonpaths", &paths, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
	assert_string_equal(error.message, message);
	assert_string_equal(error.detail, detail);
}

#define USELESS(path) "path 1 \"" path "\" of the paths file is not usable"

static void
test_bad_paths(void **state)
{
	expect_bad_paths("", "paths file has no list \"jsonpaths\"", "");
	expect_bad_paths("{\"paths\":[]}", "paths file has no list \"jsonpaths\"", "");
	expect_bad_paths("{\"jsonpaths\":\"[\"}", "paths file has no list \"jsonpaths\"", "");
	expect_bad_paths("{\"jsonpaths\":[}", "paths file is not usable",
					 "It has line 1: invalid JSON: it is no JSON value.");
	expect_bad_paths("{\"jsonpaths\":[]}{}", "paths file has more than one object", "");
	expect_bad_paths("{\"jsonpaths\":[\"$.a\", 1]}", "path 2 of the paths file is no string", "");
	expect_bad_paths("{\"jsonpaths\":[\"a\"]}", USELESS("a"), "It does not begin with $.");
	expect_bad_paths("{\"jsonpaths\":[\"\"]}", USELESS(""), "It does not begin with $.");
	expect_bad_paths("{\"jsonpaths\":[\"$a\"]}", USELESS("$a"),
					 "A step does not begin with a point or a bracket.");
	expect_bad_paths("{\"jsonpaths\":[\"$.\"]}", USELESS("$."), "A name is missing after a point.");
	expect_bad_paths("{\"jsonpaths\":[\"$..a\"]}", USELESS("$..a"), "A name is missing after a point.");
	expect_bad_paths("{\"jsonpaths\":[\"$.*\"]}", USELESS("$.*"),
					 "It can lead to more than one value: * is not supported.");
	expect_bad_paths("{\"jsonpaths\":[\"$[*]\"]}", USELESS("$[*]"),
					 "There must be a number from 0 or a name in quotes between brackets.");
	expect_bad_paths("{\"jsonpaths\":[\"$[-1]\"]}", USELESS("$[-1]"),
					 "There must be a number from 0 or a name in quotes between brackets.");
	expect_bad_paths("{\"jsonpaths\":[\"$['a'\"]}", USELESS("$['a'"),
					 "A name in brackets has no closing quote and bracket.");
	expect_bad_paths("{\"jsonpaths\":[\"$['']\"]}", USELESS("$['']"), "A name in brackets is empty.");
	expect_bad_paths("{\"jsonpaths\":[\"$[99999999999]\"]}", USELESS("$[99999999999]"),
					 "The number of an element is too large.");
}

/* Nesting costs no stack and ends at a limit; the record after it is read. */
static void
test_depth(void **state)
{
	for (int depth = ETL_JSON_MAX_DEPTH - 1; depth <= 10000; depth += 9001)
	{
		StringInfoData input;
		char *got;

		initStringInfo(&input);
		appendStringInfoString(&input, "{\"a\":");
		for (int i = 0; i < depth; i++)
			appendStringInfoChar(&input, '[');
		for (int i = 0; i < depth; i++)
			appendStringInfoChar(&input, ']');
		appendStringInfoString(&input, "}\n{\"a\":2}");
		got = records_read(json_reader_create(&by_name), input.data, input.len, input.len / 2, input.len);
		if (depth > ETL_JSON_MAX_DEPTH)
			assert_string_equal(got, BAD("it is nested more than 1000 levels deep") "2:2/~/~\n");
		else
			assert_string_equal(got + strlen(got) - 15, "]]/~/~\n2:2/~/~\n");
		pfree(got);
		pfree(input.data);
	}
}

/* A record of the limit's length is read, one byte more is not; small pieces cost no quadratic work. */
static void
test_limit(void **state)
{
	for (int over = 0; over <= 1; over++)
	{
		for (size_t step = 1; step <= 64 * 1024; step *= 256)
		{
			size_t len = ETL_RECORD_MAX_SIZE + over + 8;
			char *input = malloc(len);
			char *got;

			memset(input, 'x', len);
			memcpy(input, "{\"a\":\"", 6);
			memcpy(input + len - 10, "\"}\n{\"a\":1}", 10);
			got = records_read(json_reader_create(&by_name), input, len, step, step);
			if (over)
				assert_string_equal(got, "1!line 1: JSON object is longer than 4 MB\n");
			else
				assert_string_equal(got + strlen(got) - 8, "2:1/~/~\n");
			pfree(got);
			free(input);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),			cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_between_records), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_going_on),		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_paths),			cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_depth),			cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("json reader", tests, NULL, NULL);
}
