/*
 * secret_answer_test.c
 *		Secrets as strings, as binaries, and answers that hold none.
 */
#include "aws/secret_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool
parse(const char *json, char **value, EtlError *error)
{
	return secret_answer_parse(json, strlen(json), "prod/redshift", value, error);
}

static void
test_value(void **state)
{
	char *value;
	EtlError error;

	assert_true(
		parse("{\"Name\":\"x\",\"SecretString\":\"{\\\"username\\\":\\\"\\u00e9\\\"}\"}", &value, &error));
	assert_string_equal(value, "{\"username\":\"\xC3\xA9\"}");
	assert_true(parse("{\"SecretBinary\":\"eyJhIjoxfQ==\"}", &value, &error));
	assert_string_equal(value, "{\"a\":1}");
	assert_true(parse("{\"SecretString\":\"\"}", &value, &error));
	assert_string_equal(value, "");
}

static void
test_refused(void **state)
{
	const char *bad[] = {"",
						 "{",
						 "[1]",
						 "{}",
						 "{\"SecretString\":{\"CANARY\":1}}",
						 "{\"SecretBinary\":\"CANARY!\"}",
						 "{\"SecretString\":\"CANARY\\u0000\"}",
						 "{\"SecretBinary\":\"Q0FOQVJZ/w==\"}"};
	char *value;
	EtlError error;

	for (int i = 0; i < lengthof(bad); i++)
	{
		if (parse(bad[i], &value, &error))
			fail_msg("must be refused: %s", bad[i]);
		assert_null(strstr(error.message, "CANARY"));
		assert_null(strstr(error.detail, "CANARY"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_value), cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests_name("secret_answer", tests, NULL, NULL);
}
