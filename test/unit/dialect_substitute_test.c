/*
 * dialect_substitute_test.c
 *		Parameters into SQL, psql's way and as text.
 */
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *
lookup(const char *name, void *arg)
{
	static const char *const known[][2] = {
		{"ds", "2026-11-20"},
		{"n", "3"},
		{"quoted", "it's"},
		{"path", "a\\b"},
		{"name", "My \"table\""},
		{"1", "bucket-one"},
		{"BUCKET", "b2"},
		{"colon", ":n"},
		{"empty", ""},
		{"stage.rows", "91"},
		{"load data.v2.it", "x"},
	};

	for (int i = 0; i < lengthof(known); i++)
		if (strcmp(name, known[i][0]) == 0)
			return known[i][1];
	return NULL;
}

static char *
psql(const char *sql)
{
	EtlError error;
	char *out;

	return dialect_substitute(sql, lookup, NULL, &out, &error) ? out : pstrdup(error.message);
}

static void
test_psql(void **state)
{
	assert_string_equal(psql("select :n, :'ds', :\"name\""), "select 3, '2026-11-20', \"My \"\"table\"\"\"");
	assert_string_equal(psql("select :'quoted', :'path',:'empty'"), "select 'it''s', E'a\\\\b',''");
	assert_string_equal(psql("select 1 as:'path'"), "select 1 as E'a\\\\b'");
	assert_string_equal(psql("x:'ds' E:'quoted'"), "x'2026-11-20' E'it''s'");
	assert_string_equal(psql("a[1\\:n] \\:'ds' '\\\\:n' \\ :n"), "a[1:n] :'ds' '\\\\:n' \\ 3");
	assert_string_equal(psql("x::n := :unknown :'unknown' :\"unknown\""),
						"x::n := :unknown :'unknown' :\"unknown\"");
	/* an array's slice is no exception to psql: it takes a variable that is set */
	assert_string_equal(psql("a[1:n] b[1:2] c[1: n]"), "a[13] b[1:2] c[1: n]");
	assert_string_equal(psql("':n' \":n\" $$:n$$ --:n\n/*:n*/ :n"), "':n' \":n\" $$:n$$ --:n\n/*:n*/ 3");
	assert_string_equal(psql(":{?n} :{?unknown} :{n}"), "TRUE FALSE :{n}");
	assert_string_equal(psql(":n:n :colon:n"), "33 :n3");
	assert_string_equal(psql(":'n"), "unterminated quoted string");
	assert_string_equal(psql(":::n : n :"), "::3 : n :");
}

static void
test_output(void **state)
{
	assert_string_equal(psql("select :'stage.rows' + 1"), "select '91' + 1");
	assert_string_equal(psql("select 1 as:'load data.v2.it'"), "select 1 as'x'");
	assert_string_equal(psql("select :'stage.none', ':''stage.rows'''"), "select :'stage.none', ':''stage.rows'''");
	/* what else psql reads there it reads still */
	assert_string_equal(psql(":stage.rows :n.rows :\"stage.rows\" :{?stage.rows}"),
						":stage.rows 3.rows :\"stage.rows\" :{?stage.rows}");
	assert_string_equal(psql(":'.rows' :'stage.' :'stage\\.rows' :'stage.rows''x' a[1:'2'] x::'stage.rows'"),
						":'.rows' :'stage.' :'stage\\.rows' :'stage.rows''x' a[1:'2'] x::'stage.rows'");
	assert_string_equal(psql(":'stage.rows"), "unterminated quoted string");
}

static void
test_text(void **state)
{
	assert_string_equal(dialect_substitute_text("copy t from 's3://${1}/<BUCKET>/x'", lookup, NULL),
						"copy t from 's3://bucket-one/b2/x'");
	assert_string_equal(dialect_substitute_text("a<b>c ${x} ${ds <ds ${} <>", lookup, NULL),
						"a<b>c ${x} ${ds <ds ${} <>");
	assert_string_equal(dialect_substitute_text("<bucket><n<n>", lookup, NULL), "<bucket><n3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_psql), cmocka_unit_test(test_output), cmocka_unit_test(test_text)};

	return cmocka_run_group_tests_name("dialect_substitute", tests, NULL, NULL);
}
