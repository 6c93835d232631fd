/*
 * credentials_answer_test.c
 *		Keys of the metadata services: answers that have some, that say why not, and that are none.
 */
#include "aws/credentials_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool
parse(const char *json, EtlAwsKeys *keys, int64 *expires_at, EtlError *error)
{
	return credentials_answer_parse(json, strlen(json), keys, expires_at, error);
}

static void
test_keys(void **state)
{
	EtlAwsKeys keys;
	EtlAwsKeys copy;
	int64 expires_at;
	EtlError error;

	assert_true(
		parse("{\"Code\": \"Success\", \"Type\": \"AWS-HMAC\", \"AccessKeyId\": \"ASIA1\", "
			  "\"SecretAccessKey\": \"s/+\","
			  " \"Token\": \"t==\", \"Expiration\": \"2026-11-20T01:02:03Z\", \"LastUpdated\": \"x\"}",
			  &keys, &expires_at, &error));
	assert_string_equal(keys.access_key_id, "ASIA1");
	assert_string_equal(keys.secret_access_key, "s/+");
	assert_string_equal(keys.session_token, "t==");
	assert_int_equal(expires_at, 1795136523);
	copy = aws_keys_copy(&keys);
	aws_keys_wipe(&keys);
	assert_null(keys.secret_access_key);
	assert_string_equal(copy.secret_access_key, "s/+");
	aws_keys_wipe(&copy);

	assert_true(parse("{\"AccessKeyId\": \"AKIA\", \"SecretAccessKey\": \"s\"}", &keys, &expires_at, &error));
	assert_null(keys.session_token);
	assert_int_equal(expires_at, 0);
}

static void
test_refusals(void **state)
{
	EtlAwsKeys keys;
	int64 expires_at;
	EtlError error;

	assert_false(
		parse("{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"EC2 cannot assume the role.\"}",
			  &keys, &expires_at, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION);
	assert_string_equal(error.detail, "It said AssumeRoleUnauthorizedAccess: EC2 cannot assume the role.");
	assert_false(parse("{\"code\": \"x\", \"message\": \"a\\nb\"}", &keys, &expires_at, &error));
	assert_string_equal(error.detail, "It said x.");
}

static void
test_nonsense(void **state)
{
	static const char *const answers[] = {
		"",
		"<html>canary</html>",
		"[]",
		"\"canary\"",
		"{\"AccessKeyId\": \"canary\"",
		"{\"AccessKeyId\": \"canary\"}",
		"{\"SecretAccessKey\": \"canary\"}",
		"{\"AccessKeyId\": 1, \"SecretAccessKey\": \"canary\"}",
		"{\"AccessKeyId\": \"\", \"SecretAccessKey\": \"canary\"}",
		"{\"AccessKeyId\": \"A\\r\\nHost: canary\", \"SecretAccessKey\": \"canary\"}",
		"{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"canary\\u0000\"}",
		"{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"canary\", \"Expiration\": \"tomorrow\"}",
		"{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"canary\", \"Expiration\": \"2026-13-01T00:00:00Z\"}",
		"{\"a\": {\"a\": {\"a\": {\"a\": {\"a\": 1}}}}, \"AccessKeyId\": \"A\", \"SecretAccessKey\": "
		"\"canary\"}",
	};

	for (int i = 0; i < lengthof(answers); i++)
	{
		EtlAwsKeys keys;
		int64 expires_at;
		EtlError error;

		assert_false(parse(answers[i], &keys, &expires_at, &error));
		assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
		assert_null(strstr(error.message, "canary"));
		assert_null(strstr(error.detail, "canary"));
	}
}

/* A fault leaves what was there before. */
static void
test_nothing_half_filled(void **state)
{
	EtlAwsKeys keys = {.access_key_id = "before"};
	int64 expires_at = 7;
	EtlError error;

	assert_false(parse("{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\", \"Expiration\": \"never\"}", &keys,
					   &expires_at, &error));
	assert_string_equal(keys.access_key_id, "before");
	assert_null(keys.secret_access_key);
	assert_int_equal(expires_at, 7);
}

static void
test_line(void **state)
{
	static const char *const none[] = {"", "\n", "\r\nrole", " role", "ro le", "role\t", "r\xC3\xB6le", "role\x7F\n"};
	char *line = NULL;
	char *longest = palloc(16 * 1024 + 1);
	EtlError error;

	assert_true(credentials_line_parse("role-1\r\nrole-2\n", 16, "role", &line, &error));
	assert_string_equal(line, "role-1");
	assert_true(credentials_line_parse("AQAAA==rest", 7, "token", &line, &error));
	assert_string_equal(line, "AQAAA==");
	line = NULL;
	for (int i = 0; i < lengthof(none); i++)
	{
		assert_false(credentials_line_parse(none[i], strlen(none[i]), "role", &line, &error));
		assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
		assert_string_equal(error.detail, "It has no role.");
	}
	/* text of a C string ends there, that of an answer does not */
	assert_false(credentials_line_parse("role\0x", 6, "role", &line, &error));
	memset(longest, 'a', 16 * 1024 + 1);
	assert_false(credentials_line_parse(longest, 16 * 1024 + 1, "token", &line, &error));
	assert_null(line);
	assert_true(credentials_line_parse(longest, 16 * 1024, "token", &line, &error));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_refusals),
									   cmocka_unit_test(test_nonsense), cmocka_unit_test(test_nothing_half_filled),
									   cmocka_unit_test(test_line)};

	return cmocka_run_group_tests_name("credentials_answer", tests, NULL, NULL);
}
