/*
 * dialect_lexer_test.c
 *		Tokens, literals and the splitter.
 */
#include "dialect/dialect.h"
#include "dialect/lexer.h"
#include "dialect/literal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The tokens of a text, a bar between two. */
static char *
tokens(const char *sql)
{
	StringInfoData out;
	EtlError error;
	int count;
	EtlToken *token = lexer_tokens(sql, &count, &error);

	assert_non_null(token);
	initStringInfo(&out);
	for (; token->kind != ETL_TOKEN_END; token++)
	{
		if (out.len > 0)
			appendStringInfoChar(&out, '|');
		appendBinaryStringInfo(&out, sql + token->start, token->end - token->start);
	}
	return out.data;
}

static void
test_tokens(void **state)
{
	assert_string_equal(tokens(""), "");
	assert_string_equal(tokens("a.b::int := :c"), "a|.|b|::|int|:=|:|c");
	assert_string_equal(tokens("1 1.5e-3 .5 1..2 0x1F x1$y"), "1|1.5e-3|.5|1|.|.2|0x1F|x1$y");
	assert_string_equal(tokens("'it''s' 'a\\'b' \"q\"\"i\" U&\"x\""), "'it''s'|'a\\'b'|\"q\"\"i\"|U&\"x\"");
	assert_string_equal(tokens("E'\\'' x'1F' U&'\\0041' n'\\'"), "E'\\''|x'1F'|U&'\\0041'|n'\\'");
	assert_string_equal(tokens("$$a'b$$ $x$ $$ $x$ $1 a$b$c"), "$$a'b$$|$x$ $$ $x$|$1|a$b$c");
	assert_string_equal(tokens("a/* ; /* ' */ \" */b--c\nd"), "a|b|d");
	assert_string_equal(tokens("'a' -- c\n 'b'"), "'a' -- c\n 'b'");
	assert_string_equal(tokens("'a' 'b'"), "'a'|'b'");
	assert_string_equal(tokens("größe"), "größe");
}

static void
fails(const char *sql, const char *message, const char *detail)
{
	EtlError error;
	int count;

	assert_null(lexer_tokens(sql, &count, &error));
	assert_int_equal(error.sqlstate, ERRCODE_SYNTAX_ERROR);
	assert_string_equal(error.message, message);
	assert_string_equal(error.detail, detail);
}

static void
test_unclosed(void **state)
{
	fails("select\n  'abc", "unterminated quoted string", "At line 2, column 3.");
	fails("'C:\\'", "unterminated quoted string", "At line 1, column 1.");
	fails("'a\\", "unterminated quoted string", "At line 1, column 1.");
	fails("ö \"a", "unterminated quoted identifier", "At line 1, column 3.");
	fails("$x$ $$", "unterminated dollar-quoted string", "At line 1, column 1.");
	fails("1 /* /* */", "unterminated /* comment", "At line 1, column 3.");
}

static char *
decode(const char *sql, bool option)
{
	EtlError error;
	int count;
	EtlToken *token = lexer_tokens(sql, &count, &error);
	char *value;

	return literal_decode(sql, token, option, &value, &error)
			   ? value
			   : psprintf("%d: %s", error.position, error.message);
}

static void
test_decode(void **state)
{
	assert_string_equal(decode("'it''s \\'a\\' \\\\ \\t\\101'", false), "it's 'a' \\ \tA");
	assert_string_equal(decode("'a'\n  '''b'", false), "a'b");
	assert_string_equal(decode("$x$ '\\d' $x$", false), " '\\d' ");
	assert_string_equal(decode("'\\d'", false), "2: ambiguous escape \"\\d\" in a string literal");
	assert_string_equal(decode("'\\\"'", false), "2: ambiguous escape \"\\\"\" in a string literal");
	assert_string_equal(decode("'\\377'", false), "2: octal escape beyond ASCII in a string literal");
	assert_string_equal(decode("'\\\"\\|\\N\\0\\000'", true), "\"|\\N\\0\\0");
	assert_string_equal(decode("'\\d'", true), "2: ambiguous escape \"\\d\" in a string literal");
}

static void
test_append(void **state)
{
	StringInfoData out;

	initStringInfo(&out);
	literal_append(&out, "it's");
	literal_append(&out, "\\\001\n");
	literal_append_identifier(&out, "a\"b");
	assert_string_equal(out.data, "'it''s'E'\\\\\\001\n'\"a\"\"b\"");
}

/* The statements of a script as line:text, a bar between two. */
static char *
split(const char *sql)
{
	StringInfoData out;
	EtlScript script;
	EtlError error;

	initStringInfo(&out);
	if (!dialect_split(sql, &script, &error))
		return psprintf("%s. %s", error.message, error.detail);
	for (int i = 0; i < script.count; i++)
	{
		const EtlStatement *statement = &script.statements[i];

		assert_memory_equal(sql + statement->offset, statement->sql, strlen(statement->sql));
		appendStringInfo(&out, "%s%d:%s", i > 0 ? "|" : "", statement->line, statement->sql);
	}
	return out.data;
}

static void
test_split(void **state)
{
	assert_string_equal(split(""), "");
	assert_string_equal(split(" ;; -- nothing\n /* at all */ ;"), "");
	assert_string_equal(split("select 1"), "1:select 1");
	assert_string_equal(split("-- one\nselect 1 ; -- two\n\nselect ';' /* x */\n;"),
						"2:select 1|4:select ';'");
	assert_string_equal(split("select $$;$$, \";\", ';'';';select 2"),
						"1:select $$;$$, \";\", ';'';'|1:select 2");
	assert_string_equal(split("create rule r as on insert to t do (a; b); c"),
						"1:create rule r as on insert to t do (a; b)|1:c");
	assert_string_equal(
		split("create or replace function f() returns int begin atomic select case when a then 1 end; "
			  "select 2; end; select 3"),
		"1:create or replace function f() returns int begin atomic select case when a then 1 end; "
		"select 2; end|1:select 3");
	assert_string_equal(split("begin; copy a from 's3://b'; end;"), "1:begin|1:copy a from 's3://b'|1:end");
	assert_string_equal(split("select 1;\nselect '"), "unterminated quoted string. At line 2, column 8.");
}

static void
test_split_many(void **state)
{
	StringInfoData text;
	EtlScript script;
	EtlError error;

	initStringInfo(&text);
	for (int i = 0; i < 1000; i++)
		appendStringInfo(&text, "select %d;\n", i);
	assert_true(dialect_split(text.data, &script, &error));
	assert_int_equal(script.count, 1000);
	assert_int_equal(script.statements[999].line, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens), cmocka_unit_test(test_unclosed), cmocka_unit_test(test_decode),
		cmocka_unit_test(test_append), cmocka_unit_test(test_split),	cmocka_unit_test(test_split_many),
	};

	return cmocka_run_group_tests_name("dialect_lexer", tests, NULL, NULL);
}
