/*
 * glob_test.c
 *		Patterns of keys: what they match, their literal prefix, and what is no pattern.
 */
#include "store/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static bool
matches(const char *pattern, const char *key)
{
	EtlError error;
	EtlGlob *glob = glob_compile(pattern, &error);
	bool result;

	assert_non_null(glob);
	result = glob_matches(glob, key);
	assert_int_equal(glob_matches(glob, key), result); /* nothing of the first match is left */
	if (result)
		assert_int_equal(strncmp(key, glob_prefix(glob), strlen(glob_prefix(glob))), 0);
	glob_free(glob);
	return result;
}

static void
what_matches(void **state)
{
	static const struct
	{
		const char *pattern;
		const char *yes[6];
		const char *no[6];
	} cases[] = {
		{"", {""}, {"a"}},
		{"abc", {"abc"}, {"ab", "abcd", "", "ABC"}},
		{"*", {"", "a", "abc.csv"}, {"a/b", "/"}},
		{"a*c", {"ac", "abc", "abbbc", "acc"}, {"a/c", "ab", "cac"}},
		{"*.csv", {".csv", "a.csv", "a.csv.csv"}, {"a.csv.gz", "d/a.csv"}},
		{"?", {"a", "\xC3\xA9", "\xE2\x82\xAC"}, {"", "/", "ab"}},
		{"d?t", {"dot", "d.t"}, {"d/t", "dt"}},
		{"[a-c]1", {"a1", "c1"}, {"d1", "1", "A1"}},
		{"[!a-c]1", {"d1", "-1"}, {"a1", "/1", "1"}},
		{"[^a]", {"b"}, {"a", "/"}},
		{"[]a]", {"]", "a"}, {"b"}},
		{"[a-]", {"a", "-"}, {"b"}},
		{"[\xC3\xA0-\xC3\xA9]", {"\xC3\xA1"}, {"a", "\xC3\xAA"}},
		{"[\\]]", {"]"}, {"\\"}},
		{"**", {"", "a", "a/b/c"}, {NULL}},
		{"a/**", {"a/", "a/b", "a/b/c"}, {"a", "b/a/"}},
		{"a/**/b", {"a/b", "a/x/b", "a/x/y/b"}, {"a/xb", "ab", "a/b/c"}},
		{"**/b", {"b", "a/b", "a/c/b"}, {"ab", "b/c"}},
		{"a**b", {"ab", "a/b", "axyb"}, {"b"}},
		{"{a,bc}d", {"ad", "bcd"}, {"d", "abcd", "bd"}},
		{"x{,y}z", {"xz", "xyz"}, {"xyyz"}},
		{"{a,b{c,d}}*", {"a", "bc", "bdx"}, {"b", "c"}},
		{"{*.csv,*.tsv}", {"a.csv", "b.tsv"}, {"a.txt"}},
		{"{a}", {"a"}, {"{a}"}},
		{"a,b}", {"a,b}"}, {"a"}},
		{"\\*\\?\\[\\{\\\\", {"*?[{\\"}, {"a"}},
		{"year=20?[0-9]/*", {"year=2025/x"}, {"year=205/x", "year=2025/a/b"}},
	};

	for (int i = 0; i < lengthof(cases); i++)
		for (int j = 0; j < 6; j++)
		{
			if (cases[i].yes[j] != NULL && !matches(cases[i].pattern, cases[i].yes[j]))
				fail_msg("\"%s\" should match \"%s\"", cases[i].pattern, cases[i].yes[j]);
			if (cases[i].no[j] != NULL && matches(cases[i].pattern, cases[i].no[j]))
				fail_msg("\"%s\" should not match \"%s\"", cases[i].pattern, cases[i].no[j]);
		}
}

static void
prefixes(void **state)
{
	static const char *const cases[][2] = {
		{"a/b/*.csv", "a/b/"}, {"*", ""}, {"abc", "abc"}, {"a\\*b?", "a*b"}, {"a{b,c}", "a"}, {"a[b]", "a"}, {"a}b,c*", "a}b,c"}};

	for (int i = 0; i < lengthof(cases); i++)
	{
		EtlError error;
		EtlGlob *glob = glob_compile(cases[i][0], &error);

		assert_string_equal(glob_prefix(glob), cases[i][1]);
		glob_free(glob);
	}
}

static void
not_patterns(void **state)
{
	static const char *const cases[] = {"[", "[a", "[!", "[]", "{a", "{a,b", "a\\", "[\\", "[b-a]", "{[}", "{{{{{{{{{{{{{{{{{a"};

	for (int i = 0; i < lengthof(cases); i++)
	{
		EtlError error;

		assert_null(glob_compile(cases[i], &error));
		assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
		assert_true(error.detail[0] != '\0' && error.hint[0] != '\0');
	}
}

/* What takes others time that doubles with each star. */
static void
linear(void **state)
{
	StringInfoData pattern;
	StringInfoData key;

	initStringInfo(&pattern);
	initStringInfo(&key);
	for (int i = 0; i < 300; i++)
		appendStringInfoString(&pattern, "*{a,a*}");
	for (int i = 0; i < 1000; i++)
		appendStringInfoChar(&key, 'a');
	assert_true(matches(pattern.data, key.data));
	appendStringInfoChar(&pattern, 'b');
	assert_false(matches(pattern.data, key.data));
	pfree(pattern.data);
	pfree(key.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_matches),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(not_patterns),
		cmocka_unit_test(linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
