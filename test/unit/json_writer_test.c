/*
 * json_writer_test.c
 *		Text to strings of JSON, and back through the reader.
 */
#include "format/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "aws/json_valid.h"
#include "format/json_reader.h"

static void
expect_bytes(const char *text, size_t len, const char *expected)
{
	StringInfoData out;
	/* of its exact size: the sanitizer sees a read past it */
	char *exact = malloc(Max(len, 1));

	memcpy(exact, text, len);
	initStringInfo(&out);
	json_string_write(&out, exact, len);
	assert_string_equal(out.data, expected);
	assert_true(aws_json_valid(out.data, out.len));
	pfree(out.data);
	free(exact);
}

static void
expect(const char *text, const char *expected)
{
	expect_bytes(text, strlen(text), expected);
}

static void
test_escapes(void **state)
{
	expect("", "\"\"");
	expect("plain", "\"plain\"");
	expect("say \"hi\"", "\"say \\\"hi\\\"\"");
	expect("C:\\dir/file", "\"C:\\\\dir/file\"");
	expect("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
	expect("\x01\x0b\x1f\x7f ", "\"\\u0001\\u000b\\u001f\x7f \"");
	expect("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
	expect("\\u0041", "\"\\\\u0041\"");
	expect_bytes("a\0b", 3, "\"a\\u0000b\"");
}

/* Sixteen bytes are looked at together: what is escaped is found at each place of them. */
static void
test_places(void **state)
{
	for (size_t len = 1; len <= 40; len++)
	{
		for (size_t at = 0; at < len; at++)
		{
			char text[41];
			char expected[45];

			memset(text, 'x', len);
			text[at] = '"';
			text[len] = '\0';
			snprintf(expected, sizeof(expected), "\"%.*s\\\"%s\"", (int) at, text, text + at + 1);
			expect(text, expected);
		}
	}
}

/* What is there already stays. */
static void
test_append(void **state)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{");
	json_string_write(&out, "a", 1);
	appendStringInfoString(&out, ":");
	json_string_write(&out, "\n", 1);
	assert_string_equal(out.data, "{\"a\":\"\\n\"");
	pfree(out.data);
}

/* As a member's name and as its value it is read as what it was. */
static void
test_round_trip(void **state)
{
	static const char *const atoms[] = {"a",  "\"", "\\", "/",	  "\b",	  "\n",	   "\r",		  "\t",			  "\x01",
										"\x1f", "{",  "}",  "[",	  ",",	  ":",	   "\xC3\xA9",	  "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
										"u",  "\\u0", "\x7f", " ", "null", "0123456789abcdef"};
	unsigned seed = 42;

	for (int round = 0; round < 20000; round++)
	{
		char text[512] = "";
		const char *const columns[] = {text};
		EtlJsonOptions options = {.mapping = ETL_JSON_AUTO, .columns = columns, .column_count = 1};
		EtlRecordReader *reader;
		EtlRecord record;
		EtlError error;
		StringInfoData out;

		for (int i = (seed = seed * 1103515245 + 12345) >> 16 & 15; i > 0; i--)
			strcat(text, atoms[((seed = seed * 1103515245 + 12345) >> 16) % lengthof(atoms)]);
		initStringInfo(&out);
		appendStringInfoChar(&out, '{');
		json_string_write(&out, text, strlen(text));
		appendStringInfoChar(&out, ':');
		json_string_write(&out, text, strlen(text));
		appendStringInfoChar(&out, '}');
		assert_true(aws_json_valid(out.data, out.len));
		reader = json_reader_create(&options);
		reader->feed(reader, out.data, out.len, true);
		assert_int_equal(reader->next(reader, &record, &error), ETL_RECORD_ROW);
		assert_int_equal(record.field_count, 1);
		assert_false(record.fields[0].is_null);
		assert_int_equal(record.fields[0].len, strlen(text));
		assert_memory_equal(record.fields[0].data, text, strlen(text));
		assert_int_equal(reader->next(reader, &record, &error), ETL_RECORD_END);
		reader->free(reader);
		pfree(out.data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests_name("json writer", tests, NULL, NULL);
}
