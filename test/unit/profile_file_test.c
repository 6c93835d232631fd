/*
 * profile_file_test.c
 *		The AWS command line's shared files.
 */
#include "aws/profile_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const config = "# a comment\n"
								  "\n"
								  "[default]\n"
								  "region = eu-west-1\n"
								  "s3 =\n"
								  "  max_concurrent_requests = 20\n"
								  "  not a setting\n"
								  "[profile etl]\r\n"
								  "role_arn = arn:aws:iam::123456789012:role/loader\r\n"
								  "Source_Profile=default\n"
								  "external_id = a=b\n"
								  "[ profile   spaced ]\n"
								  "credential_source = EcsContainer\n"
								  "[etl]\n"
								  "role_arn = wrong\n"
								  "[sso-session etl]\n"
								  "sso_start_url = https://example.com\n";

static const char *const credentials = "[default]\n"
									   "aws_access_key_id = AKIADEFAULT\n"
									   "aws_secret_access_key = secret/+=  \n"
									   "; aws_session_token = commented\n"
									   "[profile etl]\n"
									   "aws_access_key_id = WRONG\n"
									   "[etl]\n"
									   "aws_access_key_id = AKIAETL\n"
									   "aws_secret_access_key = s\n"
									   "aws_session_token = t";

static void
test_both(void **state)
{
	EtlAwsProfile profile = {.found = false};
	EtlError error;

	assert_true(profile_file_parse(config, true, "default", &profile, &error));
	assert_true(profile_file_parse(credentials, false, "default", &profile, &error));
	assert_true(profile.found);
	assert_string_equal(profile.access_key_id, "AKIADEFAULT");
	assert_string_equal(profile.secret_access_key, "secret/+=");
	assert_null(profile.session_token);
	assert_null(profile.role_arn);

	profile = (EtlAwsProfile){.found = false};
	assert_true(profile_file_parse(config, true, "etl", &profile, &error));
	assert_string_equal(profile.role_arn, "arn:aws:iam::123456789012:role/loader");
	assert_string_equal(profile.source_profile, "default");
	assert_string_equal(profile.external_id, "a=b");
	assert_null(profile.sso);
	assert_true(profile_file_parse(credentials, false, "etl", &profile, &error));
	assert_string_equal(profile.access_key_id, "AKIAETL");
	assert_string_equal(profile.session_token, "t");
	assert_string_equal(profile.role_arn, "arn:aws:iam::123456789012:role/loader");

	profile = (EtlAwsProfile){.found = false};
	assert_true(profile_file_parse(config, true, "spaced", &profile, &error));
	assert_string_equal(profile.credential_source, "EcsContainer");
}

static void
test_keys_go_together(void **state)
{
	EtlAwsProfile profile = {.found = false};
	EtlError error;

	assert_true(profile_file_parse(
		"[profile p]\naws_access_key_id=OLD\naws_secret_access_key=o\naws_session_token=old", true, "p",
		&profile, &error));
	assert_true(profile_file_parse("[p]\naws_access_key_id=NEW\naws_secret_access_key=n", false, "p",
								   &profile, &error));
	assert_string_equal(profile.access_key_id, "NEW");
	assert_null(profile.session_token);
}

static void
test_none(void **state)
{
	static const char *const texts[] = {"", "\n\n", "[other]\naws_access_key_id = x\nnonsense of another's\n",
										"stray = x\n"};
	EtlError error;

	for (int i = 0; i < lengthof(texts); i++)
	{
		EtlAwsProfile profile = {.found = false};

		assert_true(profile_file_parse(texts[i], false, "p", &profile, &error));
		assert_false(profile.found);
	}
}

static void
test_bad(void **state)
{
	static const char *const texts[] = {"[p]\ncanary\n", "[p]\n= canary\n",
										"\n[p\naws_access_key_id = canary\n", "[p]canary\n"};
	EtlError error;

	for (int i = 0; i < lengthof(texts); i++)
	{
		EtlAwsProfile profile = {.found = false};

		assert_false(profile_file_parse(texts[i], false, "p", &profile, &error));
		assert_int_equal(error.sqlstate, ERRCODE_CONFIG_FILE_ERROR);
		assert_null(strstr(error.message, "canary"));
		assert_null(strstr(error.detail, "canary"));
	}
	assert_string_equal(error.detail, "Line 1 is neither a [section] nor name = value.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_both), cmocka_unit_test(test_keys_go_together),
									   cmocka_unit_test(test_none), cmocka_unit_test(test_bad)};

	return cmocka_run_group_tests_name("profile_file", tests, NULL, NULL);
}
