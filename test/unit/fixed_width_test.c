/*
 * fixed_width_test.c
 *		Rows of fields of fixed width, read and written.
 */
#include "format/fixed_width.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "records.h"

static const int widths[] = {3, 5, 2};
static const EtlFixedWidthOptions plain = {
	.widths = widths, .width_count = 3, .null_string = "\\N", .null_len = 2};

static EtlRecordReader *
make(const void *options)
{
	return fixed_width_reader_create(options);
}

#define EXPECT(options, input, expected) records_expect(make, options, input, sizeof(input) - 1, expected)

static void
test_read(void **state)
{
	EXPECT(&plain, "", "");
	EXPECT(&plain, "abcdefghij", "1:abc/defgh/ij\n");
	EXPECT(&plain, "1  two  x \r\n2  three y\n", "1:1  /two  /x \n2:2  /three/ y\n");
	EXPECT(&plain,
		   "\xEF\xBB\xBF"
		   "abcdefghij\n",
		   "1:abc/defgh/ij\n");
	/* characters, not bytes */
	EXPECT(&plain,
		   "\xC3\xA9\xC3\xA9\xC3\xA9"
		   "d\xE2\x82\xAC"
		   "fgh\xF0\x9F\x98\x80j\n",
		   "1:\xC3\xA9\xC3\xA9\xC3\xA9/d\xE2\x82\xAC"
		   "fgh/\xF0\x9F\x98\x80j\n");
	/* too short, too long */
	EXPECT(&plain, "abcde\nabc\nab\n\nabcdefghijk l\n", "1:abc/de\n2:abc\n3:ab\n4:\n5:abc/defgh/ij/k l\n");
	/* NULL, with and without the blanks that fill it up */
	EXPECT(&plain, "\\N \\N   \\N\n\\Nx\\N\n", "1:~/~/~\n2:\\Nx/~\n");
}

static void
test_options(void **state)
{
	EtlFixedWidthOptions options = plain;

	options.ignore_header = 2;
	options.ignore_blank_lines = true;
	options.null_string = "";
	options.null_len = 0;
	EXPECT(&options, "header\n\n\nabc     ij\n\r\n   x\n", "4:abc/~/ij\n6:~/x\n");
	EXPECT(&options, "header", "");
	options.null_string = "\0";
	options.null_len = 1;
	options.ignore_header = 0;
	EXPECT(&options, "\0  a\0   ij\nabc\0    ij\na\0b\nabcdefghij\n",
		   "1!line 1: NUL byte in field 2\n2:abc/~/ij\n3!line 3: NUL byte in field 1\n4:abc/defgh/ij\n");
}

/* Fields of many bytes: eight characters are skipped at a time. */
static void
test_wide(void **state)
{
	static const int wide[] = {20, 16, 8};
	EtlFixedWidthOptions options = {.widths = wide, .width_count = 3, .null_string = "\\N", .null_len = 2};

	EXPECT(&options, "0123456789abcdefghij0123456789ABCDEF01234567\n",
		   "1:0123456789abcdefghij/0123456789ABCDEF/01234567\n");
	EXPECT(&options,
		   "0123456\xC3\xA9"
		   "89abcdefghij012345678\xC3\xA9"
		   "ABCDEF0123456\xC3\xA9\n",
		   "1:0123456\xC3\xA9"
		   "89abcdefghij/012345678\xC3\xA9"
		   "ABCDEF/0123456\xC3\xA9\n");
	/* a mark that belongs to the eighth */
	EXPECT(&options,
		   "01234567\xCC\x81"
		   "89abcdefghi\n",
		   "1:01234567\xCC\x81"
		   "89abcdefghi\n");
	EXPECT(&options,
		   "01234567\x81"
		   "89abcdefghij0\n",
		   "1:01234567\x81"
		   "89abcdefghij/0\n");
}

static void
test_limit(void **state)
{
	for (int over = 0; over <= 1; over++)
	{
		for (size_t step = 1; step <= 64 * 1024; step *= 256)
		{
			size_t len = ETL_RECORD_MAX_SIZE + over + 3;
			char *input = malloc(len);
			char *got;

			memset(input, 'x', len);
			memcpy(input + len - 3, "\r\na", 3);
			got = records_read(fixed_width_reader_create(&plain), input, len, step, step);
			if (over)
				assert_string_equal(got, "1!line 1: row is longer than 4 MB\n");
			else
				assert_string_equal(got + strlen(got) - 5, "\n2:a\n");
			pfree(got);
			free(input);
		}
	}
}

static void
expect_refused(EtlFixedWidthOptions options, const char *message)
{
	EtlError error;

	assert_false(fixed_width_options_check(&options, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
	assert_string_equal(error.message, message);
}

static void
test_check(void **state)
{
	EtlError error;

	assert_true(fixed_width_options_check(&plain, &error));
	expect_refused((EtlFixedWidthOptions){0}, "there must be 1 to 1663 fixed widths");
	expect_refused((EtlFixedWidthOptions){.widths = (const int[]){1, 0}, .width_count = 2},
				   "fixed width 2 must be at least 1");
	expect_refused(
		(EtlFixedWidthOptions){.widths = (const int[]){PG_INT32_MAX, PG_INT32_MAX}, .width_count = 2},
		"fixed widths must not be more than 4194304 characters together");
}

static void
test_write(void **state)
{
	EtlField fields[] = {
		{.data = "a", .len = 1}, {.data = "\xC3\xA9\xE2\x82\xAC", .len = 5}, {.is_null = true}};
	StringInfoData out;
	EtlError error;
	int bad_field;

	initStringInfo(&out);
	assert_true(fixed_width_row_write(&out, &plain, fields, &bad_field, &error));
	fields[0] = (EtlField){.data = "", .len = 0};
	fields[1] = (EtlField){.data = "12345", .len = 5};
	fields[2] = (EtlField){.data = "xy", .len = 2};
	assert_true(fixed_width_row_write(&out, &plain, fields, &bad_field, &error));
	assert_string_equal(out.data, "a  \xC3\xA9\xE2\x82\xAC     \n   12345xy\n");
	fields[1] = (EtlField){.data = "123456", .len = 6};
	assert_false(fixed_width_row_write(&out, &plain, fields, &bad_field, &error));
	assert_int_equal(bad_field, 1);
	assert_int_equal(error.sqlstate, ERRCODE_STRING_DATA_RIGHT_TRUNCATION);
	assert_string_equal(error.detail, "It has 6 characters; the width is 5.");
	assert_string_equal(out.data, "a  \xC3\xA9\xE2\x82\xAC     \n   12345xy\n");
	pfree(out.data);
}

/* What is written is read back, but for the blanks that fill a field up. */
static void
test_round_trip(void **state)
{
	static const char *const characters[] = {"a", "0", " ", "\t", "|", "\"", "\\", "N", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
	unsigned seed = 42;

	for (int round = 0; round < 20000; round++)
	{
		int random_widths[3];
		EtlFixedWidthOptions options = {
			.widths = random_widths, .width_count = 3, .null_string = "\\N", .null_len = 2};
		char text[3][64] = {"", "", ""};
		EtlField fields[3];
		EtlRecordReader *reader;
		EtlRecord row;
		EtlError error;
		StringInfoData out;
		int bad_field;

		for (int i = 0; i < 3; i++)
		{
			random_widths[i] = 1 + ((seed = seed * 1103515245 + 12345) >> 16) % 12;
			for (int j = ((seed = seed * 1103515245 + 12345) >> 16) % (random_widths[i] + 1); j > 0; j--)
				strcat(text[i], characters[((seed = seed * 1103515245 + 12345) >> 16) % lengthof(characters)]);
			fields[i] = (EtlField){.data = text[i], .len = strlen(text[i])};
		}
		initStringInfo(&out);
		assert_true(fixed_width_row_write(&out, &options, fields, &bad_field, &error));
		reader = fixed_width_reader_create(&options);
		reader->feed(reader, out.data, out.len, true);
		assert_int_equal(reader->next(reader, &row, &error), ETL_RECORD_ROW);
		assert_int_equal(row.field_count, 3);
		for (int i = 0; i < 3; i++)
		{
			uint32 len = fields[i].len;

			if (row.fields[i].is_null)
			{
				while (len > 0 && text[i][len - 1] == ' ')
					len--;
				assert_int_equal(len, 2);
				assert_memory_equal(text[i], "\\N", 2);
				continue;
			}
			assert_true(row.fields[i].len >= len);
			assert_memory_equal(row.fields[i].data, text[i], len);
			for (uint32 j = len; j < row.fields[i].len; j++)
				assert_int_equal(row.fields[i].data[j], ' ');
		}
		assert_int_equal(reader->next(reader, &row, &error), ETL_RECORD_END);
		reader->free(reader);
		pfree(out.data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),  cmocka_unit_test(test_options), cmocka_unit_test(test_wide),
		cmocka_unit_test(test_limit), cmocka_unit_test(test_check),	  cmocka_unit_test(test_write),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests_name("fixed width", tests, NULL, NULL);
}
