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

static void
test_times(void **state)
{
	static const char *const bad[] = {"",
									  "2026-11-20",
									  "2026-11-20T01:02:03",
									  "2026-11-20T01:02:03+01:00",
									  "2026-11-20T01:02:03Zx",
									  "2026-11-20T25:02:03Z",
									  "1960-11-20T01:02:03Z",
									  "2026-00-20T01:02:03Z"};
	int64 t;

	assert_true(credentials_time_parse("1970-01-02T00:00:00Z", &t));
	assert_int_equal(t, 86400);
	assert_true(credentials_time_parse("2026-11-20T01:02:03.123456Z", &t));
	assert_int_equal(t, 1795136523);
	for (int i = 0; i < lengthof(bad); i++)
		assert_false(credentials_time_parse(bad[i], &t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_refusals),
									   cmocka_unit_test(test_nonsense), cmocka_unit_test(test_times)};

	return cmocka_run_group_tests_name("credentials_answer", tests, NULL, NULL);
}
