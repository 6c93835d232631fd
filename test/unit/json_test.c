/*
 * json_test.c
 *		What JSON is and what is not, and how much memory it may take: see aws/json.h.
 */
#include "aws/json.h"
#include "aws/json_valid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
test_valid(void **state)
{
	static const char *const good[] = {"0",
									   "-0.5e+10",
									   "1E5",
									   "\"\"",
									   " [ ] ",
									   "{}",
									   "[1,[2,{\"a\":[]}],\"x\"]",
									   "{\"a\" : null , \"b\":[true,false]}",
									   "\"\\u00e9\\ud83d\\n\\\"\\\\/\"",
									   "\"\xC3\xA9\""};
	static const char *const bad[] = {"",
									  " ",
									  "01",
									  "-",
									  "1.",
									  "1e",
									  "+1",
									  "nul",
									  "nulll",
									  "[",
									  "]",
									  "[1,]",
									  "[,1]",
									  "[1 2]",
									  "{",
									  "{\"a\"}",
									  "{\"a\":}",
									  "{a:1}",
									  "{\"a\":1,}",
									  "{,}",
									  "[}",
									  "{]",
									  "{\"a\":1]",
									  "\"",
									  "\"\\x\"",
									  "\"\\u12g4\"",
									  "\"\\u12",
									  "\"a\nb\"",
									  "\"\xC3\"",
									  "\"\xED\xA0\x80\"",
									  "'a'",
									  "1 1",
									  "{} {}",
									  "NaN",
									  "// a\n1",
									  "\"\\",
									  "\xEF\xBB\xBF{}"};

	for (int i = 0; i < lengthof(good); i++)
		if (!aws_json_valid(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
	for (int i = 0; i < lengthof(bad); i++)
		if (aws_json_valid(bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
	assert_false(aws_json_valid("1\0", 2));
	assert_false(aws_json_valid("\"\0\"", 3));
	assert_true(aws_json_valid("12", 1));
}

static void
test_depth(void **state)
{
	char text[600];

	memset(text, '[', 256);
	memset(text + 256, ']', 256);
	assert_true(aws_json_valid(text, 512));
	memset(text, '[', 257);
	memset(text + 257, ']', 257);
	assert_false(aws_json_valid(text, 514));
}

/* A text of n times `part`, in an array. */
static char *
repeated(const char *part, int n, size_t *size)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < n; i++)
		appendStringInfo(&text, "%s,", part);
	appendStringInfoString(&text, "1]");
	*size = text.len;
	return text.data;
}

/* 8 MB of "{}," took json-c 2 GB. */
static void
test_bomb(void **state)
{
	size_t size;
	bool no_memory;
	char *text = repeated("{}", 100001, &size);

	assert_true(size < AWS_JSON_MAX_SIZE);
	assert_null(aws_json_parse(text, size, 8, &no_memory));
	assert_false(no_memory);
	text = repeated("1", AWS_JSON_MAX_SIZE / 2, &size);
	assert_null(aws_json_parse(text, size, 8, &no_memory));
	text = repeated("{}", 3 * 1024 * 1024, &size);
	assert_true(aws_json_valid(text, size));
}

static void
test_parse(void **state)
{
	bool no_memory;
	json_object *object = aws_json_parse("{\"a\": \"b\"}", 10, 2, &no_memory);

	assert_non_null(object);
	assert_string_equal(json_object_get_string(json_object_object_get(object, "a")), "b");
	json_object_put(object);
	assert_null(aws_json_parse("{\"a\": \"b\"", 9, 2, &no_memory));
	assert_false(no_memory);
	assert_null(aws_json_parse("[[[1]]]", 7, 2, &no_memory));
	assert_false(no_memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_valid), cmocka_unit_test(test_depth),
									   cmocka_unit_test(test_bomb), cmocka_unit_test(test_parse)};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
