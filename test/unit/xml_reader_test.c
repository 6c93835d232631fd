/*
 * xml_reader_test.c
 *		Rows of XML.
 */
#include "format/xml_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "records.h"

static const char *const columns[] = {"id", "name", "note"};
static const EtlXmlOptions by_name = {.row_tag = "order", .columns = columns, .column_count = 3};

static EtlRecordReader *
make(const void *options)
{
	EtlError error;
	EtlRecordReader *reader;

	assert_true(xml_options_check(options, &error));
	reader = xml_reader_create(options, &error);
	assert_non_null(reader);
	return reader;
}

static void
expect(const char *input, const char *expected)
{
	records_expect(make, &by_name, input, strlen(input), expected);
}

static void
expect_paths(const char *file, const char *input, const char *expected)
{
	EtlXmlOptions options = {.row_tag = "order"};
	EtlJsonPaths paths;
	EtlError error;

	assert_true(json_paths_parse(file, strlen(file), "xmlpaths", &paths, &error));
	options.paths = &paths;
	options.column_count = paths.count;
	records_expect(make, &options, input, strlen(input), expected);
}

static void
test_by_name(void **state)
{
	expect("", "");
	expect("<orders/>", "");
	expect("<?xml version=\"1.0\"?>\n<orders>\n <order><id>1</id><name>A &amp; B</name></order>\n <order "
		   "id=\"2\" name='x'/>\n"
		   "</orders>\n",
		   "3:[1]/[A & B]/~\n4:[2]/[x]/~\n");
	expect("\xEF\xBB\xBF<order><id> 1\n</id><note/></order>", "1:[ 1\n]/~/[]\n");
	/* a child before an attribute, the first of a name, text of all inside, other levels not */
	expect(
		"<r><order "
		"id='9'><id>1</id><id>2</id><name>a<b>b<name>c</name></b>d</name><x><note>no</note></x></order></r>",
		"1:[1]/[abcd]/~\n");
	expect("<r><a><order><id>1</id></order></a><order><order><id>2</id></order><id>3</id></order></r>",
		   "1:[1]/~/~\n1:[3]/~/~\n");
	/* namespaces */
	expect("<n:r xmlns:n='u' xmlns='v'><n:order n:name='x' xmlns:note='z'><n:id>1</n:id></n:order></n:r>",
		   "1:[1]/[x]/~\n");
	expect("<r><order><![CDATA[no]]><id><![CDATA[<1>]]></id><!-- <id>2</id> "
		   "--><name>&#x20AC;&lt;</name></order></r>",
		   "1:[<1>]/[\xE2\x82\xAC<]/~\n");
}

static void
test_by_paths(void **state)
{
	const char *file =
		"{\"xmlpaths\":[\"$['customer']['name']\",\"$.@id\",\"$.line[1].sku\",\"$.line.@n\",\"$\"]}";

	expect_paths(file,
				 "<r><order id='7'><customer><name>ann</name></customer><line n='1'><sku>p</sku></line>"
				 "<line n='2'><sku>q</sku></line></order><order/></r>",
				 "1:[ann]/[7]/[q]/[1]/[annpq]\n1:~/~/~/~/[]\n");
	expect_paths("{\"xmlpaths\":[\"$.a\",\"$.a[0]\",\"$.a[2]\",\"$.a.b[1]\"]}",
				 "<order><a>1<b/><b>2</b></a><a>3</a><a>4</a></order>", "1:[12]/[12]/[4]/[2]\n");
}

/* The last call says that there is nothing more to be read. */
#define THEN(line) #line "!line " #line ": nothing can be read after XML that is invalid\n"

static void
test_invalid(void **state)
{
	expect("<r><order><id>1</id></order>\n<order><id>2</order></r>",
		   "1:[1]/~/~\n2!line 2: invalid XML: mismatched tag\n" THEN(2));
	expect("<r>\n<order>", "2!line 2: invalid XML: no element found\n" THEN(2));
	expect("x", "1!line 1: invalid XML: syntax error\n" THEN(1));
	expect("<r/><r/>", "1!line 1: invalid XML: junk after document element\n" THEN(1));
	expect("<!DOCTYPE r [<!ENTITY a 'b'>]><r/>",
		   "1!line 1: invalid XML: it has a document type declaration\n" THEN(1));
	expect("<r>&a;</r>", "1!line 1: invalid XML: undefined entity\n" THEN(1));
	expect("<?xml version='1.0' encoding='koi8-r'?><r/>",
		   "1!line 1: invalid XML: unknown encoding\n" THEN(1));
	expect("<r><order><id>\xC3(</id></order></r>",
		   "1!line 1: invalid XML: not well-formed (invalid token)\n" THEN(1));
}

static void
test_encodings(void **state)
{
	static const char utf16[] =
		"\xFF\xFE<\0o\0r\0d\0e\0r\0>\0<\0i\0d\0>\0\xAC\x20<\0/\0i\0d\0>\0<\0/\0o\0r\0d\0e\0r\0>\0";
	EtlXmlOptions decoded = by_name;
	const char *wrong = "<?xml version='1.0' encoding='UTF-16'?><order><id>\xC3\xA9</id></order>";

	expect("<?xml version='1.0' encoding='ISO-8859-1'?><order><id>\xE9</id></order>", "1:[\xC3\xA9]/~/~\n");
	records_expect(make, &by_name, utf16, sizeof(utf16) - 1, "1:[\xE2\x82\xAC]/~/~\n");
	decoded.is_utf8 = true;
	records_expect(make, &decoded, wrong, strlen(wrong), "1:[\xC3\xA9]/~/~\n");
}

static void
test_ignore_case(void **state)
{
	EtlXmlOptions options = by_name;
	const char *input = "<r><order ID='1'><Name>a</Name></order><ORDER id='2'/></r>";

	expect(input, "1:~/~/~\n");
	options.ignore_case = true;
	records_expect(make, &options, input, strlen(input), "1:[1]/[a]/~\n");
}

static void
test_raw(void **state)
{
	const char *input = "<r>\n<order>\n <id>1</id></order> <order id='2'/></r>";

	for (size_t cut = 1; cut < strlen(input); cut++)
	{
		EtlRecordReader *reader = make(&by_name);
		EtlRecord record;
		EtlError error;
		EtlRecordStatus status;
		int count = 0;

		reader->feed(reader, input, cut, false);
		while ((status = reader->next(reader, &record, &error)) != ETL_RECORD_END)
		{
			const char *expected = count == 0 ? "<order>\n <id>1</id></order>" : "<order id='2'/>";

			if (status == ETL_RECORD_NEED_MORE)
				reader->feed(reader, input + cut, strlen(input) - cut, true);
			else
			{
				assert_int_equal(record.raw_len, strlen(expected));
				assert_memory_equal(record.raw, expected, record.raw_len);
				count++;
			}
		}
		assert_int_equal(count, 2);
		reader->free(reader);
	}
}

/* Depth, a row's length, a token's length, expat's memory. */
static void
test_limits(void **state)
{
	StringInfoData input;
	char *got;

	initStringInfo(&input);
	for (int i = 0; i < 10000; i++)
		appendStringInfoString(&input, "<a>");
	got = records_read(make(&by_name), input.data, input.len, 5, 65536);
	assert_string_equal(got, "1!line 1: invalid XML: it is nested more than 256 levels deep\n" THEN(1));
	for (int over = 0; over <= 1; over++)
	{
		size_t len = ETL_RECORD_MAX_SIZE + over + 7;

		resetStringInfo(&input);
		enlargeStringInfo(&input, len);
		memset(input.data, 'x', len);
		input.len = len;
		memcpy(input.data, "<r>\n<order><name>", 17);
		memcpy(input.data + len - 18, "</name></order>", 15);
		memcpy(input.data + len - 3, "<b>", 3);
		got = records_read(make(&by_name), input.data, len, 5, 65536);
		if (over)
			assert_string_equal(got, "2!line 2: row is longer than 4 MB\n");
		else
			assert_string_equal(got + strlen(got) - 102,
								"xx]/~\n2!line 2: invalid XML: no element found\n" THEN(2));
	}
	resetStringInfo(&input);
	appendStringInfoString(&input, "<r><!--");
	for (int i = 0; i < 5 * 1024 * 1024 / 16; i++)
		appendStringInfoString(&input, "................");
	got = records_read(make(&by_name), input.data, input.len, 5, 65536);
	assert_string_equal(got, "1!line 1: row is longer than 4 MB\n");
	resetStringInfo(&input);
	appendStringInfoString(&input, "<r>");
	for (int i = 0; i < 1000000; i++)
		appendStringInfo(&input, "<name_of_some_length_%d/>", i);
	got = records_read(make(&by_name), input.data, input.len, 5, 65536);
	assert_string_equal(got, "1!line 1: XML needs too much memory\n" THEN(1));
}

static void
expect_refused(const char *row_tag, const char *file, const char *message)
{
	EtlXmlOptions options = {.row_tag = row_tag};
	EtlJsonPaths paths;
	EtlError error;

	assert_true(json_paths_parse(file, strlen(file), "xmlpaths", &paths, &error));
	options.paths = &paths;
	options.column_count = paths.count;
	assert_false(xml_options_check(&options, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
	assert_string_equal(error.message, message);
}

static void
test_check(void **state)
{
	expect_refused("", "{\"xmlpaths\":[]}", "row tag must be the name of an element, without a prefix");
	expect_refused("a:b", "{\"xmlpaths\":[]}", "row tag must be the name of an element, without a prefix");
	expect_refused("a", "{\"xmlpaths\":[\"$.a\",\"$[0].a\"]}",
				   "path 2: a number does not follow the name of an element");
	expect_refused("a", "{\"xmlpaths\":[\"$.a[0][1]\"]}",
				   "path 1: a number does not follow the name of an element");
	expect_refused("a", "{\"xmlpaths\":[\"$.@a.b\"]}", "path 1: there is nothing inside an attribute");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name),	  cmocka_unit_test(test_by_paths), cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_encodings), cmocka_unit_test(test_raw),	   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_check),	  cmocka_unit_test(test_ignore_case),
	};

	return cmocka_run_group_tests_name("xml reader", tests, NULL, NULL);
}
