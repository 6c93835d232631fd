/*
 * delimited_test.c
 *		Delimited text and CSV. Every input is read whole and cut at every byte; all must give the same rows.
 */
#include "format/delimited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "records.h"

/* The macros give defaults that their arguments override. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define DELIMITED(...)                                                                                       \
	((EtlDelimitedOptions){                                                                                  \
		.delimiter = "|", .delimiter_len = 1, .null_string = "\\N", .null_len = 2, __VA_ARGS__})
#define CSV(...)                                                                                             \
	((EtlDelimitedOptions){.delimiter = ",",                                                                 \
						   .delimiter_len = 1,                                                               \
						   .quote = '"',                                                                     \
						   .null_string = "\\N",                                                             \
						   .null_len = 2,                                                                    \
						   __VA_ARGS__})

static EtlRecordReader *
make(const void *options)
{
	EtlError error;

	assert_true(delimited_options_check(options, &error));
	return delimited_reader_create(options);
}

static char *
rows_read(EtlDelimitedOptions options, const char *input, size_t len, size_t cut, size_t step)
{
	return records_read(make(&options), input, len, cut, step);
}

static void
expect_bytes(EtlDelimitedOptions options, const char *input, size_t len, const char *expected)
{
	records_expect(make, &options, input, len, expected);
}

static void
expect(EtlDelimitedOptions options, const char *input, const char *expected)
{
	expect_bytes(options, input, strlen(input), expected);
}

static void
test_text(void **state)
{
	expect(DELIMITED(), "", "");
	expect(DELIMITED(), "a", "1:a\n");
	expect(DELIMITED(), "a|b\nc|d\n", "1:a/b\n2:c/d\n");
	expect(DELIMITED(), "a|b\r\nc|d\r\n", "1:a/b\n2:c/d\n");
	expect(DELIMITED(), "a|b\r\nc|d\r", "1:a/b\n2:c/d\n");
	expect(DELIMITED(), "a\rb|c\n", "1:a\rb/c\n");
	expect(DELIMITED(), "||\n|\n", "1://\n2:/\n");
	expect(DELIMITED(), "\\N|\\NN|\\N\n", "1:~/\\NN/~\n");
	expect(DELIMITED(), "a\n\nb\n\r\n", "1:a\n2:\n3:b\n4:\n");
	expect(DELIMITED(.ignore_blank_lines = true), "\na\n\nb\n\r\n \n", "2:a\n4:b\n6: \n");
	expect(DELIMITED(.ignore_header = 2), "h\n\na\n", "3:a\n");
	expect(DELIMITED(.ignore_header = 5), "h\n\na\n", "");
	expect(DELIMITED(), "\"a|b\"\n", "1:\"a/b\"\n");
	expect(DELIMITED(.null_string = "", .null_len = 0), "a||\n", "1:a/~/~\n");
	expect(DELIMITED(), "0123456789abcdef0123456789|0123456789abcdef\nxyz\n",
		   "1:0123456789abcdef0123456789/0123456789abcdef\n2:xyz\n");
}

static void
test_byte_order_mark(void **state)
{
	expect(DELIMITED(),
		   "\xEF\xBB\xBF"
		   "a|b\n",
		   "1:a/b\n");
	expect(CSV(), "\xEF\xBB\xBF\"a\",b\n", "1:[a]/b\n");
	expect(DELIMITED(), "\xEF\xBB\xBF", "");
	expect(DELIMITED(), "\xEF\xBB", "1:\xEF\xBB\n");
	expect(DELIMITED(),
		   "a\n\xEF\xBB\xBF"
		   "b\n",
		   "1:a\n2:\xEF\xBB\xBF"
		   "b\n");
}

static void
test_long_delimiter(void **state)
{
	EtlDelimitedOptions options = DELIMITED(.delimiter = "~~|", .delimiter_len = 3);

	expect(options, "a~~|b~|c~~~|d\n~~|\n~~", "1:a/b~|c~/d\n2:/\n3:~~\n");
	options.surrounding_quotes = true;
	expect(options, "'a~~|b'~~|'c'~\n'd'\n",
		   "1!line 1: field begins with a quote and does not end with it\n2:[d]\n");
	expect(CSV(.delimiter = "::", .delimiter_len = 2), "\"a::\"::b\n\"c\":d\n",
		   "1:[a::]/b\n2!line 2: characters follow the closing quote of a field\n");
}

static void
test_escape(void **state)
{
	EtlDelimitedOptions options = DELIMITED(.escape = '\\');

	expect(options, "a\\|b|c\\\\|\\N|\\n\n", "1:a|b/c\\/~/n\n");
	expect(options, "a\\\nb|c\nd\n", "1:a\nb/c\n3:d\n");
	expect(options, "a\\\r\nb\n", "1:a\r\n2:b\n");
	expect(options, "a|b\\", "1!line 1: nothing follows the escape character\n");
	expect(DELIMITED(), "a\\|b\n", "1:a\\/b\n");
}

static void
test_remove_quotes(void **state)
{
	EtlDelimitedOptions options = DELIMITED(.surrounding_quotes = true);

	expect(options, "'the | character'|\"White\"|Blue'|''\n", "1:[the | character]/[White]/Blue'/[]\n");
	expect(options, "' ' 'Black' ' '\n", "1:[ ' 'Black' ' ]\n");
	expect(options, "'Blue\nok\n", "1!line 1: field begins with a quote and does not end with it\n2:ok\n");
	expect(options, "a|\"Blue", "1!line 1: field begins with a quote and does not end with it\n");
	expect(options, "\"\\N\"|\\N\r\n", "1:[\\N]/~\n");
	options.escape = '\\';
	expect(options, "\"a\\\"|b\"|'\\''\n\"x\\\ny\"\nz\n", "1:[a\"|b]/[']\n2:[x\ny]\n4:z\n");
}

static void
test_csv(void **state)
{
	expect(CSV(), "a,\"b\",\"c,d\"\n", "1:a/[b]/[c,d]\n");
	expect(CSV(), "\"say \"\"hi\"\"\",\"\"\"\",\"\"\n", "1:[say \"hi\"]/[\"]/[]\n");
	expect(CSV(), "\"a\nb\",c\r\n\"d\r\n\r\ne\"\r\nf", "1:[a\nb]/c\n3:[d\r\n\r\ne]\n6:f\n");
	expect(CSV(), " \"a\" , b , \t\"c\"\t\r\n", "1:[a]/ b /[c]\n");
	expect(CSV(), "\\N,\"\\N\",\n", "1:~/[\\N]/\n");
	expect(CSV(.delimiter = "\t"), "\"a\"\t\"b\"\t\n", "1:[a]/[b]/\n");
	expect(CSV(.quote = '%'), "%a,b%,\"c\"\n", "1:[a,b]/\"c\"\n");
	expect(CSV(), "\"a\"", "1:[a]\n");
	expect(CSV(), "\"a\"\r", "1:[a]\n");
	expect(CSV(.ignore_blank_lines = true), "\n\"\"\n\n", "2:[]\n");
}

static void
test_csv_malformed(void **state)
{
	expect(CSV(), "a\n\"b,c\nd\n", "1:a\n2!line 2: quoted field has no closing quote\n");
	expect(CSV(), "a,5\" pipe\nb\n", "1!line 1: quote inside a field that does not begin with one\n2:b\n");
	expect(CSV(), "\"a\nb\"x,\"c\nd\n", "1!line 1: characters follow the closing quote of a field\n3:d\n");
	expect(CSV(), "\"a\"\rb\nc\n", "1!line 1: characters follow the closing quote of a field\n2:c\n");
}

static void
test_csv_header(void **state)
{
	expect(CSV(.ignore_header = 1), "\"two\nlines\",b\nc,d\n", "3:c/d\n");
	expect(CSV(.ignore_header = 1), "# 5\" pipes\nc,d\n", "2:c/d\n");
	expect(CSV(.ignore_header = 1), "\"open\nc,d\n", "1!line 1: quoted field has no closing quote\n");
}

static void
test_csv_escape(void **state)
{
	EtlDelimitedOptions options = CSV(.escape = '\\');

	expect(options, "\"a\\\"b\",\"c\"\"d\",e\\,f,\"\\\\\"\n", "1:[a\"b]/[c\"d]/e,f/[\\]\n");
	expect(options, "\"a\\\"\n", "1!line 1: quoted field has no closing quote\n");
	expect(options, "\"a\\", "1!line 1: quoted field has no closing quote\n");
	expect(CSV(.escape = '"'), "\"a\"\"b\",c\n5\"\n",
		   "1:[a\"b]/c\n2!line 2: quote inside a field that does not begin with one\n");
}

static void
test_nul(void **state)
{
	expect_bytes(DELIMITED(), "a\nb|c\0d\ne\n", 10, "1:a\n2!line 2: NUL byte in field 2\n3:e\n");
	expect_bytes(DELIMITED(.null_string = "\0", .null_len = 1), "\0|a\n", 4, "1:~/a\n");
	expect_bytes(DELIMITED(.delimiter = "\0"), "a\0b\n", 4, "1:a/b\n");
}

static void
test_many_fields(void **state)
{
	size_t len = 3 * ETL_RECORD_MAX_FIELDS;
	char *input = malloc(len);
	EtlDelimitedOptions options = DELIMITED();
	EtlRecordReader *reader = delimited_reader_create(&options);
	EtlRecord row;
	EtlError error;

	memset(input, '|', len);
	reader->feed(reader, input, len, true);
	assert_int_equal(reader->next(reader, &row, &error), ETL_RECORD_ROW);
	assert_int_equal(row.field_count, len + 1);
	assert_int_equal(row.raw_len, len);
	assert_int_equal(reader->next(reader, &row, &error), ETL_RECORD_END);
	reader->free(reader);
	free(input);
}

/* A row of the limit's length is read, one byte more is not; and small pieces cost no quadratic work. */
static void
test_row_limit(void **state)
{
	for (int over = 0; over <= 1; over++)
	{
		for (size_t step = 1; step <= 64 * 1024; step *= 256)
		{
			size_t len = ETL_RECORD_MAX_SIZE + over + 4;
			char *input = malloc(len);
			char *got;

			memset(input, 'x', len);
			memcpy(input, "\"\n", 2);
			memcpy(input + len - 5, "\"\r\na\n", 5);
			got = rows_read(CSV(), input, len, step, step);
			if (over)
				assert_string_equal(got, "1!line 1: row is longer than 4 MB\n");
			else
				assert_string_equal(got + strlen(got) - 4, "3:a\n");
			pfree(got);
			free(input);
		}
	}
}

static void
expect_refused(EtlDelimitedOptions options, const char *message)
{
	EtlError error;

	assert_false(delimited_options_check(&options, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
	assert_string_equal(error.message, message);
}

static void
test_options(void **state)
{
	expect_refused(CSV(.delimiter_len = 0), "delimiter must be 1 to 64 bytes long");
	expect_refused(CSV(.delimiter = "\n"), "delimiter must not contain a line end");
	expect_refused(CSV(.quote = ','), "delimiter must not contain the quote character");
	expect_refused(CSV(.quote = '\r'), "quote character must not be a line end");
	expect_refused(CSV(.escape = ','), "delimiter must not contain the escape character");
	expect_refused(CSV(.surrounding_quotes = true), "CSV already takes the quotes off its fields");
	expect_refused(DELIMITED(.surrounding_quotes = true, .delimiter = "'"),
				   "delimiter must not contain a quote that is to be removed or added");
	expect_refused(DELIMITED(.null_string = "a|b", .null_len = 3),
				   "null string must not contain the delimiter");
	expect_refused(CSV(.null_string = "\"", .null_len = 1),
				   "null string must not contain the quote character");
	/* what would be written, and read as something else */
	expect_refused(DELIMITED(.delimiter = "::", .delimiter_len = 2, .null_string = "N:", .null_len = 2),
				   "null string must not contain the delimiter");
	expect_refused(DELIMITED(.null_string = "N\r", .null_len = 2), "null string must not contain a line end");
	expect_refused(DELIMITED(.escape = '\\', .null_string = "N\\", .null_len = 2),
				   "null string must not end with the escape character");
	expect_refused(DELIMITED(.escape = '\\', .null_string = "\\\\", .null_len = 2),
				   "null string must not be how a value is written");
	expect_refused(DELIMITED(.escape = '\\', .delimiter = "N|", .delimiter_len = 2),
				   "null string must not be how a value is written");
	expect_refused(DELIMITED(.surrounding_quotes = true, .null_string = "'N", .null_len = 2),
				   "null string must not begin with a quote that is to be removed or added");
	expect_refused(DELIMITED(.delimiter = "b", .escape = '\\', .postgres = true),
				   "delimiter must not contain a lower-case letter, a digit or a dot");
}

static void
expect_written(EtlDelimitedOptions options, const char *expected)
{
	const char *values[] = {"plain",	   "",	  NULL, "a|b,c", "say \"it's\"", "line\r\nend",
							"back\\slash", "\\N", ":x:"};
	EtlField fields[lengthof(values)];
	StringInfoData out;

	for (int i = 0; i < lengthof(values); i++)
		fields[i] =
			(EtlField){.data = values[i], .len = values[i] ? strlen(values[i]) : 0, .is_null = !values[i]};
	initStringInfo(&out);
	delimited_row_write(&out, &options, fields, lengthof(values));
	assert_string_equal(out.data, expected);
	pfree(out.data);
}

static void
expect_one_written(EtlDelimitedOptions options, const char *value, const char *expected)
{
	EtlField field = {.data = value, .len = strlen(value)};
	StringInfoData out;

	initStringInfo(&out);
	delimited_row_write(&out, &options, &field, 1);
	assert_string_equal(out.data, expected);
	pfree(out.data);
}

static void
test_write(void **state)
{
	EtlDelimitedOptions text = DELIMITED(.null_string = "", .null_len = 0);
	EtlDelimitedOptions csv = CSV(.null_string = "", .null_len = 0);

	expect_written(text, "plain|||a|b,c|say \"it's\"|line\r\nend|back\\slash|\\N|:x:\n");
	text.escape = '\\';
	expect_written(text, "plain|||a\\|b,c|say \"it's\"|line\\\r\\\nend|back\\\\slash|\\\\N|:x:\n");
	text.null_string = "plain";
	text.null_len = 5;
	expect_written(text, "\\plain||plain|a\\|b,c|say \"it's\"|line\\\r\\\nend|back\\\\slash|\\\\N|:x:\n");
	text.null_len = 0;
	text.surrounding_quotes = true;
	expect_written(text,
				   "\"plain\"|\"\"||\"a\\|b,c\"|\"say \\\"it\\'s\\\"\"|\"line\\\r\\\nend\"|\"back\\\\slash\"|"
				   "\"\\\\N\"|\":x:\"\n");
	expect_written(csv, "plain,,,\"a|b,c\",\"say \"\"it's\"\"\",\"line\r\nend\",back\\slash,\\N,:x:\n");
	csv.null_string = "\\N";
	csv.null_len = 2;
	expect_written(csv,
				   "plain,,\\N,\"a|b,c\",\"say \"\"it's\"\"\",\"line\r\nend\",back\\slash,\"\\N\",:x:\n");
	csv.delimiter = "::";
	csv.delimiter_len = 2;
	expect_written(
		csv, "plain::::\\N::a|b,c::\"say \"\"it's\"\"\"::\"line\r\nend\"::back\\slash::\"\\N\"::\":x:\"\n");
}

/* What CSV and ESCAPE write, the reader gives back. */
static void
test_round_trip(void **state)
{
	static const char alphabet[] = "ab|,:\"'\\\n\r N ";
	EtlDelimitedOptions all[] = {CSV(),
								 CSV(.escape = '\\'),
								 CSV(.delimiter = "::", .delimiter_len = 2),
								 DELIMITED(.escape = '\\'),
								 DELIMITED(.escape = '\\', .null_string = "a", .null_len = 1),
								 DELIMITED(.escape = '\\', .surrounding_quotes = true),
								 DELIMITED(.escape = '\\', .delimiter = ":|:", .delimiter_len = 3),
								 DELIMITED(.escape = '\\', .postgres = true),
								 CSV(.null_string = "", .null_len = 0, .postgres = true),
								 CSV(.escape = '\\', .null_string = "", .null_len = 0, .postgres = true)};
	unsigned seed = 42;

	for (int round = 0; round < 20000; round++)
	{
		EtlDelimitedOptions options = all[round % lengthof(all)];
		EtlRecordReader *reader = delimited_reader_create(&options);
		char text[3][8];
		EtlField fields[3] = {0};
		EtlRecord row;
		EtlError error;
		StringInfoData out;

		for (int i = 0; i < 3; i++)
		{
			fields[i].data = text[i];
			fields[i].len = (seed = seed * 1103515245 + 12345) >> 16 & 7;
			for (uint32 j = 0; j < fields[i].len; j++)
				text[i][j] = alphabet[((seed = seed * 1103515245 + 12345) >> 16) % (sizeof(alphabet) - 1)];
		}
		fields[round % 3].is_null = round % 5 == 0;
		initStringInfo(&out);
		delimited_row_write(&out, &options, fields, 3);
		reader->feed(reader, out.data, out.len, true);
		assert_int_equal(reader->next(reader, &row, &error), ETL_RECORD_ROW);
		assert_int_equal(row.field_count, 3);
		for (int i = 0; i < 3; i++)
		{
			assert_int_equal(row.fields[i].is_null, fields[i].is_null);
			if (!fields[i].is_null)
			{
				assert_int_equal(row.fields[i].len, fields[i].len);
				assert_memory_equal(row.fields[i].data, fields[i].data, fields[i].len);
			}
		}
		assert_int_equal(reader->next(reader, &row, &error), ETL_RECORD_END);
		reader->free(reader);
		pfree(out.data);
	}
}

/* Some bytes of the alphabet, at most `most`. */
static uint32
random_text(unsigned *seed, const char *alphabet, char *text, uint32 least, uint32 most)
{
	uint32 len = least + (((*seed = *seed * 1103515245 + 12345) >> 16) % (most - least + 1));

	for (uint32 i = 0; i < len; i++)
		text[i] = alphabet[((*seed = *seed * 1103515245 + 12345) >> 16) % strlen(alphabet)];
	return len;
}

/* The same with delimiters, null strings, quotes and escapes of what the fields are made of. */
static void
test_round_trip_of_options(void **state)
{
	static const char alphabet[] = "ab|,:\"'\\\n\r N~";
	unsigned seed = 7;
	int tried = 0;

	for (int round = 0; round < 100000; round++)
	{
		char delimiter[3];
		char null_string[3];
		char text[3][6];
		bool forced[3];
		EtlDelimitedOptions options = {.delimiter = delimiter, .null_string = null_string, .force_quote = forced};
		EtlField fields[3];
		EtlRecordReader *reader;
		EtlRecord row;
		EtlError error;
		StringInfoData out;
		unsigned kind = (seed = seed * 1103515245 + 12345) >> 16;

		options.delimiter_len = random_text(&seed, alphabet, delimiter, 1, lengthof(delimiter));
		options.null_len = random_text(&seed, alphabet, null_string, 0, lengthof(null_string));
		options.quote = kind & 1 ? '"' : '\0';
		options.escape = kind & 2 || !(kind & 1) ? '\\' : '\0';
		options.postgres = kind & 4;
		options.surrounding_quotes = !(kind & 1) && !(kind & 4) && kind & 8;
		options.force_count = options.postgres && kind & 1 ? 3 : 0;
		if (!delimited_options_check(&options, &error))
			continue;
		for (int i = 0; i < 3; i++)
		{
			forced[i] = (kind >> 4 & 7) == 0;
			fields[i] = (EtlField){.data = text[i], .len = random_text(&seed, alphabet, text[i], 0, lengthof(text[i]))};
			fields[i].is_null = (kind >> (7 + i) & 3) == 0;
			/* an empty field that is the null string is NULL, where no quotes tell it */
			if (options.null_len == 0 && fields[i].len == 0 && !options.postgres && !options.surrounding_quotes)
				fields[i].is_null = true;
			/* nor does COPY's text tell a value that is the null string, unless it has a backslash */
			if (options.postgres && !(kind & 1) && fields[i].len == options.null_len &&
				memcmp(text[i], null_string, options.null_len) == 0 && memchr(null_string, '\\', options.null_len) == NULL)
				fields[i].is_null = true;
		}
		initStringInfo(&out);
		delimited_row_write(&out, &options, fields, 3);
		reader = delimited_reader_create(&options);
		reader->feed(reader, out.data, out.len, true);
		if (reader->next(reader, &row, &error) != ETL_RECORD_ROW || row.field_count != 3)
			fail_msg("round %d, kind %u, delimiter [%.*s], null [%.*s]: %s", round, kind, options.delimiter_len,
					 delimiter, options.null_len, null_string, out.data);
		for (int i = 0; i < 3; i++)
			if (row.fields[i].is_null != fields[i].is_null ||
				(!fields[i].is_null && (row.fields[i].len != fields[i].len ||
										memcmp(row.fields[i].data, fields[i].data, fields[i].len) != 0)))
				fail_msg("round %d, kind %u, field %d, delimiter [%.*s], null [%.*s], read [%.*s]: %s", round, kind, i,
						 options.delimiter_len, delimiter, options.null_len, null_string, (int) row.fields[i].len,
						 row.fields[i].is_null ? "" : row.fields[i].data, out.data);
		assert_int_equal(reader->next(reader, &row, &error), ETL_RECORD_END);
		reader->free(reader);
		pfree(out.data);
		tried++;
	}
	assert_true(tried > 20000);
}

/* Text as PostgreSQL's COPY has it. */
static void
test_postgres_text(void **state)
{
	EtlDelimitedOptions options = DELIMITED(.delimiter = "\t", .escape = '\\', .postgres = true);

	expect(options, "a\tb\\tc\t\\N\t\n", "1:a/b\tc/~/\n");
	expect(options, "\\b\\f\\n\\r\\t\\v\\\\\\q\t\\101\\x4A\\x4g\\18\\xq\n", "1:\b\f\n\r\t\v\\q/AJ\x04g\x01" "8xq\n");
	expect(options, "a\\\nb\nc\n", "1:a\nb\n3:c\n");
	expect(options, "\\\\N\t\\N \n", "1:\\N/N \n");
	expect(options, "a\\0b\n\\N\tc\n", "1!line 1: NUL byte in field 1\n2:~/c\n");
	expect(options, "a\n\\.\nb\n", "1:a\n");
	expect(options, "a\\.\nb\n", "1:a\n2:b\n");
	expect(options, "\\.\r\nb\n", "");
	expect(options, "a\n\\.b\nc\n", "1:a\n2!line 2: \\. that is not followed by a line end\n3:c\n");
	expect(options, "a\n\\.\r\nc\n", "1:a\n2!line 2: \\. whose line ends in another way than the first line\n3:c\n");
	expect(options, "a\r\n\\.\r\nc\r\n", "1:a\n");
	expect(options, "a\r\nb\\\r\nc\r\n",
		   "1:a\n2!line 2: a newline that ends no line, since the first line ends in another way\n3:c\n");
	expect(options, "a\rb\tc\r", "1:a\n2:b/c\n");
	expect(options, "a\rb\nc\r", "1:a\n2!line 2: a newline that ends no line, since the first line ends in another way\n3:c\n");
	expect(options, "a\nb\rc\nd\n",
		   "1:a\n2!line 2: a carriage return that ends no line, since the first line ends in another way\n3:d\n");
	expect(options, "a\\\\.\n\\N\\", "1:a\\.\n2:~\n");
	options.ignore_header = 1;
	expect(options, "a\\b\\\nc\nd\n", "3:d\n");
	expect(options, "a\\.\nb\n", "");
	options.ignore_header = 0;
	options.delimiter = "F";
	expect(options, "aF\\xFF\\xAFB\n", "1:a/\xFF\xAF" "B\n");
	options.delimiter = "\t";
	options.null_string = "";
	options.null_len = 0;
	expect_written(options, "plain\t\t\ta|b,c\tsay \"it's\"\tline\\r\\nend\tback\\\\slash\t\\\\N\t:x:\n");
}

/* CSV likewise. */
static void
test_postgres_csv(void **state)
{
	static const bool second[] = {false, true};
	EtlDelimitedOptions options = CSV(.null_string = "", .null_len = 0, .postgres = true);

	expect(options, "a,,\"\",\"b\"\"c\"\n", "1:a/~/[]/[b\"c]\n");
	expect(options, "a, \"b\"\n\"b\" ,c\n", "1:a/[ b]\n2:[b ]/c\n");
	expect(options, "a\"b,c\"d,\"\"\"\",x\"\"\n", "1:[ab,cd]/[\"]/[x]\n");
	expect(options, "\"a\"\"b\n\"\"c\"\nd\n", "1:[a\"b\n\"c]\n3:d\n");
	expect(options, "a,\"b\"\"", "1!line 1: quoted field has no closing quote\n");
	expect(options, "\\.,a\n\\.\nb\n", "1:\\./a\n");
	expect(options, "\"\\.\"\n\\.", "1:[\\.]\n2:\\.\n");
	expect(options, "\"a\rb\"\r\nc\r\n\"d\ne\"\r\nf\ng\r\n",
		   "1:[a\rb]\n2:c\n3:[d\ne]\n5!line 5: a newline that ends no line, since the first line ends in another way\n6:g\n");
	options.ignore_header = 1;
	expect(options, "a\"\n\"b\nc\n", "3:c\n");
	expect(options, "a\"\nb\nc\n", "");
	options.ignore_header = 0;
	expect(options, "a\\b, c \n", "1:a\\b/ c \n");
	options.quote = '\\';
	expect(options, "\\a\\,b\n\\.\n\\,b\n", "1:[a]/b\n");
	options.quote = '"';
	expect(CSV(.escape = '\\', .null_string = "\\", .null_len = 1, .postgres = true), "\\,\"\\\\\"\n", "1:~/[\\]\n");
	options.force_count = 2;
	options.force_null = second;
	expect(options, "\"\",\"\",\"\"\n,,\n", "1:[]/~/[]\n2:~/~/~\n");
	options.force_null = NULL;
	options.force_not_null = second;
	expect(options, "\"\",\"\",\"\"\n,,\n", "1:[]/[]/[]\n2:~//~\n");
	options.force_not_null = NULL;
	options.force_quote = second;
	expect_written(options, "plain,\"\",,\"a|b,c\",\"say \"\"it's\"\"\",\"line\r\nend\",back\\slash,\\N,:x:\n");
	options.escape = '\\';
	expect(options, "\"a\\\"b\\\\c\\d\",e\\,\\f\n", "1:[a\"b\\c\\d]/e\\/\\f\n");
	expect(options, "\"a\"\"b\"\nc\n", "1:[ab]\n2:c\n");
	expect(options, "\"a\\", "1!line 1: quoted field has no closing quote\n");
	options.null_string = "\\a";
	options.null_len = 2;
	options.force_null = second;
	expect(options, "\"\\\\a\",\"\\\\a\",\\a\n", "1:[\\a]/~/~\n");
	options.force_null = NULL;
	options.null_string = "";
	options.null_len = 0;
	options.force_quote = NULL;
	expect_one_written(options, "\\.", "\"\\\\.\"\n");
	expect_written(options, "plain,\"\",,\"a|b,c\",\"say \\\"it's\\\"\",\"line\r\nend\",back\\slash,\\N,:x:\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),		   cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_long_delimiter), cmocka_unit_test(test_escape),
		cmocka_unit_test(test_remove_quotes),  cmocka_unit_test(test_csv),
		cmocka_unit_test(test_csv_malformed),  cmocka_unit_test(test_csv_header),
		cmocka_unit_test(test_csv_escape),	   cmocka_unit_test(test_nul),
		cmocka_unit_test(test_many_fields),	   cmocka_unit_test(test_row_limit),
		cmocka_unit_test(test_options),		   cmocka_unit_test(test_write),
		cmocka_unit_test(test_round_trip),	   cmocka_unit_test(test_postgres_text),
		cmocka_unit_test(test_postgres_csv),   cmocka_unit_test(test_round_trip_of_options),
	};

	return cmocka_run_group_tests_name("delimited", tests, NULL, NULL);
}
