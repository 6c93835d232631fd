/*
 * secret_value_test.c
 *		Secrets that describe a warehouse, and what is none: see remote/secret_value.h.
 */
#include "remote/secret_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool
parse(const char *json, bool with_dbname, EtlWarehouseSecret *out, EtlError *error)
{
	return warehouse_secret_parse(json, strlen(json), "prod/dwh", with_dbname, out, error);
}

static void
test_secrets(void **state)
{
	EtlWarehouseSecret secret;
	EtlError error;

	assert_true(parse(
		"{\"host\": \"h.example.com\", \"port\": 5439, \"username\": \"u\", \"password\": "
		"\"p\\\"\\u00e9\", \"dbname\": \"dev\", \"engine\": \"redshift\", \"more\": [1, {\"a\": null}]}",
		true, &secret, &error));
	assert_string_equal(secret.host, "h.example.com");
	assert_string_equal(secret.port, "5439");
	assert_string_equal(secret.user, "u");
	assert_string_equal(secret.password, "p\"\xC3\xA9");
	assert_string_equal(secret.dbname, "dev");
	assert_true(
		parse("{\"host\": \"h\", \"port\": \"65535\", \"user\": \"u\", \"username\": \"\", \"password\": 12, "
			  "\"database\": \"d\"}",
			  true, &secret, &error));
	assert_string_equal(secret.port, "65535");
	assert_string_equal(secret.user, "u");
	assert_string_equal(secret.password, "12");
	assert_string_equal(secret.dbname, "d");
	assert_true(
		parse("{\"host\": \"h\", \"port\": 1, \"username\": \"u\", \"password\": \"p\", \"dbname\": []}",
			  false, &secret, &error));
	assert_null(secret.dbname);
}

static void
test_refused(void **state)
{
	static const struct
	{
		const char *json;
		const char *message;
	} secrets[] = {
		{"", "secret \"prod/dwh\" is not a JSON object"},
		{"canary", "secret \"prod/dwh\" is not a JSON object"},
		{"\"canary\"", "secret \"prod/dwh\" is not a JSON object"},
		{"[{\"password\": \"canary\"}]", "secret \"prod/dwh\" is not a JSON object"},
		{"{\"host\": \"canary\", \"port\": 1", "secret \"prod/dwh\" is not a JSON object"},
		{"{}", "secret \"prod/dwh\" has no key \"host\""},
		{"{\"host\": \"\"}", "secret \"prod/dwh\" has no key \"host\""},
		{"{\"host\": null}", "secret \"prod/dwh\" has no key \"host\""},
		{"{\"host\": \"canary\", \"port\": 1, \"password\": \"canary\"}",
		 "secret \"prod/dwh\" has no key \"username\""},
		{"{\"host\": \"canary\", \"port\": 1, \"user\": \"canary\"}",
		 "secret \"prod/dwh\" has no key \"password\""},
		{"{\"host\": \"canary\", \"port\": 1, \"user\": \"canary\", \"password\": \"canary\"}",
		 "secret \"prod/dwh\" has no key \"dbname\""},
		{"{\"host\": [\"canary\"]}", "key \"host\" of secret \"prod/dwh\" is neither a string nor a number"},
		{"{\"host\": \"canary\", \"port\": 5439.0}",
		 "key \"port\" of secret \"prod/dwh\" is neither a string nor a number"},
		{"{\"host\": \"canary\", \"port\": 1, \"user\": \"canary\", \"password\": \"canary\\u0000x\"}",
		 "key \"password\" of secret \"prod/dwh\" holds \\u0000"},
		{"{\"host\": \"canary\", \"port\": 65536, \"user\": \"canary\", \"password\": \"canary\", "
		 "\"dbname\": \"d\"}",
		 "key \"port\" of secret \"prod/dwh\" is not a port number"},
		{"{\"host\": \"canary\", \"port\": -1, \"user\": \"canary\", \"password\": \"canary\", \"dbname\": "
		 "\"d\"}",
		 "key \"port\" of secret \"prod/dwh\" is not a port number"},
		{"{\"host\": \"canary,b\", \"port\": 1, \"user\": \"canary\", \"password\": \"canary\", \"dbname\": "
		 "\"d\"}",
		 "key \"host\" of secret \"prod/dwh\" is not one host"},
	};
	EtlWarehouseSecret secret = {.host = "before"};
	EtlError error;

	for (int i = 0; i < lengthof(secrets); i++)
	{
		if (parse(secrets[i].json, true, &secret, &error))
			fail_msg("taken: %s", secrets[i].json);
		assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
		assert_string_equal(error.message, secrets[i].message);
		assert_null(strstr(error.detail, "canary"));
		assert_null(strstr(error.hint, "canary"));
	}
	assert_string_equal(secret.host, "before");
	assert_null(secret.password);
}

static void
test_port(void **state)
{
	assert_true(warehouse_port_valid("1") && warehouse_port_valid("5439") && warehouse_port_valid("65535"));
	assert_false(warehouse_port_valid("") || warehouse_port_valid("0") || warehouse_port_valid("65536") ||
				 warehouse_port_valid("-1") || warehouse_port_valid("+1") || warehouse_port_valid(" 1") ||
				 warehouse_port_valid("1 ") || warehouse_port_valid("5439,5440") ||
				 warehouse_port_valid("99999999999999999999"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_secrets), cmocka_unit_test(test_refused),
									   cmocka_unit_test(test_port)};

	return cmocka_run_group_tests_name("secret_value", tests, NULL, NULL);
}
