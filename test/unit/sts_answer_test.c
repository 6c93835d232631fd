/*
 * sts_answer_test.c
 *		What STS and SNS answer: keys of a role, a message's id, and what is neither.
 */
#include "aws/sts_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "aws/sns_answer.h"

#define ANSWER(action, credentials)                                                                          \
	"<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action "Result>" credentials \
	"<AssumedRoleUser><Arn>a</Arn><AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser></" action          \
	"Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></" action "Response>"
#define CREDENTIALS(members) "<Credentials>" members "</Credentials>"
#define MEMBERS(id, secret, token, expiration)                                                               \
	"<AccessKeyId>" id "</AccessKeyId><SecretAccessKey>" secret "</SecretAccessKey><SessionToken>" token     \
	"</SessionToken><Expiration>" expiration "</Expiration>"
#define TIME "2026-11-20T01:02:03Z"
#define ROLE(id, secret, token, expiration)                                                                  \
	ANSWER("AssumeRole", CREDENTIALS(MEMBERS(id, secret, token, expiration)))

static bool
parse(const char *body, EtlAwsKeys *keys, int64 *expires_at, EtlError *error)
{
	return sts_answer_parse(body, strlen(body), "AssumeRole", keys, expires_at, error);
}

static void
test_keys(void **state)
{
	static const char web[] =
		ANSWER("AssumeRoleWithWebIdentity",
			   "<SubjectFromWebIdentityToken>s</SubjectFromWebIdentityToken>" CREDENTIALS(
				   MEMBERS("ASIA2", "s2", "t2", "2026-11-20T01:02:03.123Z")));
	EtlAwsKeys keys;
	int64 expires_at;
	EtlError error;

	assert_true(parse(ROLE("ASIA1", "s/+&amp;", "t==", TIME), &keys, &expires_at, &error));
	assert_string_equal(keys.access_key_id, "ASIA1");
	assert_string_equal(keys.secret_access_key, "s/+&");
	assert_string_equal(keys.session_token, "t==");
	assert_int_equal(expires_at, 1795136523);
	assert_true(sts_answer_parse(web, strlen(web), "AssumeRoleWithWebIdentity", &keys, &expires_at, &error));
	assert_string_equal(keys.access_key_id, "ASIA2");
	assert_false(parse(web, &keys, &expires_at, &error));
}

static void
test_refused(void **state)
{
	static const char *const answers[] = {
		"",
		"{\"AccessKeyId\": \"canary\"}",
		"<html>canary</html>",
		"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>canary",
		"<ErrorResponse><Error><Code>canary</Code></Error></ErrorResponse>",
		"<AssumeRoleResponse/>",
		"<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>",
		/* not below Credentials, or in several of them */
		ANSWER("AssumeRole", MEMBERS("canary", "canary", "canary", TIME)),
		ANSWER("AssumeRole", CREDENTIALS(MEMBERS("canary", "canary", "canary", TIME))
								 CREDENTIALS(MEMBERS("canary", "canary", "canary", TIME))),
		ANSWER("AssumeRole", CREDENTIALS("<a>" MEMBERS("canary", "canary", "canary", TIME) "</a>")),
		ANSWER("AssumeRole", CREDENTIALS("")),
		ROLE("", "canary", "canary", TIME),
		ROLE("canary", "", "canary", TIME),
		ROLE("canary", "canary", "", TIME),
		ROLE("canary", "canary", "canary", ""),
		ROLE("canary", "canary", "canary", "canary"),
		ROLE("canary", "canary", "canary", "2026-11-31T01:02:03Z"),
		ROLE("canary", "canary", "canary", "1795136523"),
		ROLE("canary\nHost: x", "canary", "canary", TIME),
		ROLE("canary", "can ary", "canary", TIME),
		ROLE("canary", "canary", "canary\r\n", TIME),
		ROLE("canary", "canary", "can\xC3\xA4ry", TIME),
		ROLE("canary</AccessKeyId><AccessKeyId>canary", "canary", "canary", TIME),
		ROLE("canary", "canary", "canary", TIME) "canary",
		"<!DOCTYPE canary>" ROLE("canary", "canary", "canary", TIME),
	};
	EtlAwsKeys keys = {.access_key_id = "before"};
	int64 expires_at = 7;
	EtlError error;

	for (int i = 0; i < lengthof(answers); i++)
	{
		if (parse(answers[i], &keys, &expires_at, &error))
			fail_msg("taken: %s", answers[i]);
		assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
		assert_string_equal(error.message, "unexpected answer");
		assert_true(error.detail[0] != '\0');
		assert_null(strstr(error.detail, "canary"));
	}
	assert_string_equal(keys.access_key_id, "before");
	assert_null(keys.secret_access_key);
	assert_null(keys.session_token);
	assert_int_equal(expires_at, 7);
}

static void
test_enormous(void **state)
{
	char *token = palloc(16 * 1024 + 2);
	EtlAwsKeys keys = {.session_token = NULL};
	int64 expires_at;
	EtlError error;

	memset(token, 't', 16 * 1024 + 1);
	token[16 * 1024 + 1] = '\0';
	assert_false(parse(psprintf(ROLE("a", "b", "%s", TIME), token), &keys, &expires_at, &error));
	assert_string_equal(error.detail, "Its SessionToken is longer than it can be.");
	assert_null(keys.session_token);
	assert_true(parse(psprintf(ROLE("a", "b", "%s", TIME), token + 1), &keys, &expires_at, &error));
	assert_int_equal(strlen(keys.session_token), 16 * 1024);
}

#define PUBLISHED(members)                                                                                   \
	"<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>" members            \
	"</PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>"

static void
test_published(void **state)
{
	static const char good[] = PUBLISHED(
		"<MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId><SequenceNumber>1</SequenceNumber>");
	static const char *const bad[] = {
		"",
		"<PublishResponse><MessageId>m</MessageId></PublishResponse>",
		"<PublishResult><MessageId>m</MessageId></PublishResult>",
		PUBLISHED(""),
		PUBLISHED("<MessageId/>"),
		PUBLISHED("<MessageId>a b</MessageId>"),
		PUBLISHED("<MessageId>\xC3\xA9</MessageId>"),
		PUBLISHED("<MessageId>a</MessageId><MessageId>a</MessageId>"),
		"<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult>"};
	char *id;
	EtlError error;

	assert_true(sns_answer_parse(good, strlen(good), &id, &error));
	assert_string_equal(id, "94f20ce6-13c5-43a0-9a9e-ca52d816e90b");
	id = NULL;
	for (int i = 0; i < lengthof(bad); i++)
	{
		if (sns_answer_parse(bad[i], strlen(bad[i]), &id, &error))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
	}
	assert_null(id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_refused),
									   cmocka_unit_test(test_enormous), cmocka_unit_test(test_published)};

	return cmocka_run_group_tests_name("sts_answer", tests, NULL, NULL);
}
