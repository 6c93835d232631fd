/*
 * xml_test.c
 *		XML documents as AWS sends them, and as nobody should.
 */
#include "aws/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool
parse(const char *text, EtlXml *xml, EtlError *error)
{
	return xml_parse(text, strlen(text), xml, error);
}

static void
test_document(void **state)
{
	EtlXml xml;
	EtlError error;

	assert_true(parse(
		"<?xml version=\"1.0\"?>\n<R xmlns=\"http://s3\">\n <C> <K>a&amp;b &lt;c&gt;</K><S>1</S> </C> tail"
		"<C><K><![CDATA[x<y]]></K><S/></C>\n</R>",
		&xml, &error));
	assert_int_equal(xml.count, 7);
	assert_string_equal(xml.elements[0].name, "R");
	assert_string_equal(xml.elements[0].text, "");
	assert_string_equal(xml.elements[1].text, "");
	assert_int_equal(xml.elements[2].depth, 2);
	assert_string_equal(xml_text(&xml, 0, "K"), "a&b <c>");
	assert_string_equal(xml_text(&xml, 1, "S"), "1");
	assert_string_equal(xml_text(&xml, 4, "K"), "x<y");
	assert_string_equal(xml_text(&xml, 4, "S"), "");
	assert_null(xml_text(&xml, 4, "Z"));
	assert_null(xml_text(&xml, 2, "S"));
	xml_free(&xml);
}

static void
test_refused(void **state)
{
	const char *bad[] = {"",
						 "plain",
						 "<a>",
						 "<a></b>",
						 "<a/><b/>",
						 "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
						 "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
						 "<a>&undefined;</a>",
						 "<a>\xFF</a>"};
	EtlXml xml;
	EtlError error;
	StringInfoData deep;

	for (int i = 0; i < lengthof(bad); i++)
	{
		if (parse(bad[i], &xml, &error))
			fail_msg("must be refused: %s", bad[i]);
		assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
	}
	initStringInfo(&deep);
	for (int i = 0; i < 100; i++)
		appendStringInfoString(&deep, "<a>");
	for (int i = 0; i < 100; i++)
		appendStringInfoString(&deep, "</a>");
	assert_false(parse(deep.data, &xml, &error));
}

/* No text grows: what is declared to be Latin-1 is read as UTF-8 all the same. */
static void
test_encoding(void **state)
{
	EtlXml xml;
	EtlError error;

	assert_true(parse("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xC3\xA9</a>", &xml, &error));
	assert_string_equal(xml.elements[0].text, "\xC3\xA9");
	assert_true(parse("<a>&#x20AC;&#10;</a>", &xml, &error));
	assert_string_equal(xml.elements[0].text, "\xE2\x82\xAC\n");
}

/* Nothing but the shortest elements, and nothing but what looks like them. */
static void
test_dense(void **state)
{
	StringInfoData text;
	EtlXml xml;
	EtlError error;

	initStringInfo(&text);
	appendStringInfoString(&text, "<a>");
	for (int i = 0; i < 100000; i++)
		appendStringInfoString(&text, "<a/>");
	appendStringInfoString(&text, "</a>");
	assert_true(parse(text.data, &xml, &error));
	assert_int_equal(xml.count, 100001);
	xml_free(&xml);

	assert_true(parse("<a/>", &xml, &error));
	assert_int_equal(xml.count, 1);
	xml_free(&xml);

	resetStringInfo(&text);
	appendStringInfoString(&text, "<a><![CDATA[");
	appendStringInfoSpaces(&text, 100000);
	memset(text.data + 12, '<', 100000);
	appendStringInfoString(&text, "]]></a>");
	assert_true(parse(text.data, &xml, &error));
	assert_int_equal(strlen(xml.elements[0].text), 100000);
	xml_free(&xml);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_dense), cmocka_unit_test(test_document),
									   cmocka_unit_test(test_refused), cmocka_unit_test(test_encoding)};

	return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
