/*
 * aws_error_test.c
 *		Error responses of every protocol, and what becomes of them.
 */
#include "aws/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const EtlAwsAction read_object = {"read", "s3://lake/a", "s3:GetObject", "aws"};

static EtlAwsFailure
parsed(int status, const char *body, const char *errortype)
{
	EtlAwsFailure failure = {.status = status};

	aws_error_parse(body, strlen(body), errortype, &failure);
	return failure;
}

static void
test_s3(void **state)
{
	EtlAwsFailure f = parsed(
		404,
		"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist."
		"</Message><Key>a</Key><RequestId>ABC</RequestId><HostId>x</HostId></Error>",
		NULL);
	EtlError e;

	assert_string_equal(f.code, "NoSuchKey");
	assert_string_equal(f.request_id, "ABC");
	aws_error_describe(&f, &read_object, &e);
	assert_int_equal(e.sqlstate, ERRCODE_UNDEFINED_FILE);
	assert_string_equal(e.message, "could not read \"s3://lake/a\": no such object");
	assert_string_equal(
		e.detail, "AWS said NoSuchKey: The specified key does not exist.; HTTP status 404, request id ABC.");
	assert_true(e.hint[0] != '\0');

	f = parsed(400,
			   "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-1</"
			   "Region></Error>",
			   NULL);
	aws_error_describe(&f, &read_object, &e);
	assert_non_null(strstr(e.hint, "SET region 'eu-west-1'"));

	f = parsed(403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", NULL);
	aws_error_describe(&f, &read_object, &e);
	assert_int_equal(e.sqlstate, ERRCODE_INSUFFICIENT_PRIVILEGE);
	assert_non_null(strstr(e.hint, "s3:GetObject"));
}

static void
test_query(void **state)
{
	EtlAwsFailure f = parsed(
		403,
		"<ErrorResponse xmlns=\"http://sns\"><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"
		"<Message>The security token included in the request is invalid.</Message></Error>"
		"<RequestId>r-1</RequestId></ErrorResponse>",
		NULL);
	EtlError e;

	assert_string_equal(f.code, "InvalidClientTokenId");
	assert_string_equal(f.request_id, "r-1");
	aws_error_describe(&f, &read_object, &e);
	assert_int_equal(e.sqlstate, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION);
	assert_non_null(strstr(e.hint, "ALTER USER MAPPING"));
}

/* Services have codes of their own. */
static void
test_codes_of_services(void **state)
{
	static const struct
	{
		const char *code;
		int sqlstate;
	} codes[] = {{"EntityNotFoundException", ERRCODE_UNDEFINED_OBJECT},
				 {"StateMachineDoesNotExist", ERRCODE_UNDEFINED_OBJECT},
				 {"AWS.SimpleQueueService.NonExistentQueue", ERRCODE_UNDEFINED_OBJECT},
				 {"InvalidVpcID.NotFound", ERRCODE_UNDEFINED_OBJECT},
				 {"ClusterNotFoundFault", ERRCODE_UNDEFINED_OBJECT},
				 {"NoSuchEntity", ERRCODE_UNDEFINED_OBJECT},
				 {"AlreadyExistsException", ERRCODE_DUPLICATE_OBJECT},
				 {"ResourceExistsException", ERRCODE_DUPLICATE_OBJECT},
				 {"ClusterAlreadyExists", ERRCODE_DUPLICATE_OBJECT},
				 {"ValidationException", ERRCODE_INVALID_PARAMETER_VALUE}};
	EtlError e;

	for (int i = 0; i < lengthof(codes); i++)
	{
		EtlAwsFailure f = parsed(400, psprintf("{\"__type\":\"%s\"}", codes[i].code), NULL);

		aws_error_describe(&f, &read_object, &e);
		assert_int_equal(e.sqlstate, codes[i].sqlstate);
	}
}

static void
test_json(void **state)
{
	EtlAwsFailure f = parsed(400,
							 " {\"__type\":\"com.amazonaws.x#ResourceNotFoundException\",\"Message\":\"can't "
							 "find it \\u00e9\\n\"}",
							 NULL);
	EtlError e;

	assert_string_equal(f.code, "ResourceNotFoundException");
	assert_string_equal(f.message, "can't find it ?? ");
	aws_error_describe(&f, &read_object, &e);
	assert_int_equal(e.sqlstate, ERRCODE_UNDEFINED_OBJECT);

	f = parsed(400, "{\"message\":\"m\"}", "ThrottlingException:http://internal.amazon.com/");
	assert_string_equal(f.code, "ThrottlingException");
	aws_error_describe(&f, &read_object, &e);
	assert_int_equal(e.sqlstate, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED);
}

/* The canonical request that AWS quotes holds the session token. */
static void
test_signature_not_quoted(void **state)
{
	EtlAwsFailure f =
		parsed(403,
			   "<Error><Code>SignatureDoesNotMatch</Code><Message>The Canonical String should have been "
			   "'POST x-amz-security-token:CANARY'</Message></Error>",
			   NULL);
	EtlError e;

	aws_error_describe(&f, &read_object, &e);
	assert_int_equal(e.sqlstate, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION);
	assert_null(strstr(e.detail, "CANARY"));

	/* whatever the code, and whoever answers */
	f = parsed(400,
			   "{\"__type\": \"BadRequestException\", \"message\": \"Bad header 'AWS4-HMAC-SHA256 Credential=A, "
			   "Signature=CANARY'\"}",
			   NULL);
	aws_error_describe(&f, &read_object, &e);
	assert_null(strstr(e.detail, "CANARY"));
	assert_non_null(strstr(e.detail, "BadRequestException"));
	f = parsed(400, "<Error><Code>BadRequest</Code><Message>X-Amz-Security-Token: CANARY</Message></Error>", NULL);
	aws_error_describe(&f, &read_object, &e);
	assert_null(strstr(e.detail, "CANARY"));
	f = parsed(403, "<Error><Code>Denied</Code><Message>GET /a?X-Amz-Signature=CANARY</Message></Error>", NULL);
	aws_error_describe(&f, &read_object, &e);
	assert_null(strstr(e.detail, "CANARY"));
}

/* A hint is made to be copied: what the other side calls a region is not part of one unless it may be one. */
static void
test_region_not_a_statement(void **state)
{
	EtlAwsFailure f = parsed(301, "<Error><Code>PermanentRedirect</Code><Region>x'); DROP TABLE t; --</Region></Error>", NULL);
	EtlError e;

	aws_error_describe(&f, &read_object, &e);
	assert_null(strstr(e.hint, "DROP"));
	f = parsed(301, "<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region></Error>", NULL);
	aws_error_describe(&f, &read_object, &e);
	assert_non_null(strstr(e.hint, "SET region 'eu-west-1'"));
}

static void
test_keys(void **state)
{
	EtlAwsFailure f = parsed(400, "<Error><Code>ExpiredToken</Code><Message>Too old.</Message></Error>", NULL);
	EtlAwsAction action = read_object;
	EtlError e;

	assert_true(aws_error_refuses_keys(&f));
	aws_error_describe(&f, &action, &e);
	assert_int_equal(e.sqlstate, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION);
	assert_non_null(strstr(e.hint, "ALTER USER MAPPING"));
	action.keys_from = "the environment";
	aws_error_describe(&f, &action, &e);
	assert_string_equal(e.hint, "The keys come from the environment: temporary ones must be renewed there.");

	f = parsed(403, "<Error><Code>InvalidAccessKeyId</Code></Error>", NULL);
	assert_true(aws_error_refuses_keys(&f));
	aws_error_describe(&f, &action, &e);
	assert_string_equal(e.hint, "The keys come from the environment: check them there.");

	f = parsed(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", NULL);
	assert_false(aws_error_refuses_keys(&f));
	f = parsed(403, "<Error><Code>AccessDenied</Code></Error>", NULL);
	assert_false(aws_error_refuses_keys(&f));
	f = parsed(403, "", NULL);
	assert_false(aws_error_refuses_keys(&f));
}

static void
test_no_body(void **state)
{
	const struct
	{
		int status;
		int sqlstate;
	} cases[] = {{403, ERRCODE_INSUFFICIENT_PRIVILEGE},
				 {404, ERRCODE_UNDEFINED_OBJECT},
				 {412, ERRCODE_DUPLICATE_FILE},
				 {500, ERRCODE_SYSTEM_ERROR},
				 {503, ERRCODE_SYSTEM_ERROR},
				 {429, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED},
				 {400, ERRCODE_INVALID_PARAMETER_VALUE},
				 {301, ERRCODE_INVALID_PARAMETER_VALUE}};
	EtlError e;

	for (int i = 0; i < lengthof(cases); i++)
	{
		EtlAwsFailure f = parsed(cases[i].status, "", NULL);

		aws_error_describe(&f, &read_object, &e);
		assert_int_equal(e.sqlstate, cases[i].sqlstate);
	}
}

static void
test_nonsense(void **state)
{
	const char *bodies[] = {"<html><body>502</body>", "{", "{\"__type\":5}", "[]", "<", "\xFF\xFE",
							"{\"a\":{\"b\":[[["};

	for (int i = 0; i < lengthof(bodies); i++)
		assert_string_equal(parsed(502, bodies[i], NULL).code, "");
}

static void
test_no_answer(void **state)
{
	EtlAwsFailure f = {.transport = {ERRCODE_CONNECTION_FAILURE, true, "connection reset"}};
	EtlError e;

	aws_error_describe(&f, &read_object, &e);
	assert_int_equal(e.sqlstate, ERRCODE_CONNECTION_FAILURE);
	assert_string_equal(e.detail, "The request failed: connection reset.");
}

/* Answers of now, of a clock that we are behind by twenty minutes, and of one that is no clock. */
static void
test_time(void **state)
{
	static const int64 now = 1795136523; /* Fri, 20 Nov 2026 01:02:03 GMT */
	static const struct
	{
		int status;
		const char *code;
		const char *date;
		int64 before;
		int64 after;
		bool told;
	} cases[] = {
		{403, "RequestTimeTooSkewed", "Fri, 20 Nov 2026 01:22:03 GMT", 0, 1200, true},
		{403, "RequestTimeTooSkewed", "Fri, 20 Nov 2026 00:42:03 GMT", 0, -1200, true},
		{400, "InvalidSignatureException", "Fri, 20 Nov 2026 01:22:03 GMT", 0, 1200, true},
		{403, "", "Fri, 20 Nov 2026 01:22:03 GMT", 0, 1200, true}, /* of HEAD */
		{400, "", "Fri, 20 Nov 2026 01:22:03 GMT", 0, 0, false},
		{403, "AccessDenied", "Fri, 20 Nov 2026 01:22:03 GMT", 0, 0, false},
		/* known already, and known no longer to be true */
		{403, "RequestTimeTooSkewed", "Fri, 20 Nov 2026 01:22:03 GMT", 1200, 1200, false},
		{403, "RequestTimeTooSkewed", "Fri, 20 Nov 2026 01:22:03 GMT", 1201 - 240, 1201 - 240, false},
		{403, "RequestTimeTooSkewed", "Fri, 20 Nov 2026 01:02:03 GMT", 1200, 0, true},
		{403, "RequestTimeTooSkewed", "Fri, 20 Nov 2026 01:05:00 GMT", 0, 0, false},
		/* no certificate would be good at that time, and signing fails after the year 9999 */
		{403, "RequestTimeTooSkewed", "Fri, 31 Dec 9999 23:59:59 GMT", 0, 0, false},
		{403, "RequestTimeTooSkewed", "Thu, 01 Jan 1970 00:00:00 GMT", 0, 0, false},
		{403, "RequestTimeTooSkewed", "Sat, 20 Nov 2027 01:02:03 GMT", 0, 365 * 86400, true},
		{403, "RequestTimeTooSkewed", "Friday, 20-Nov-26 01:22:03 GMT", 0, 0, false},
		{403, "RequestTimeTooSkewed", "soon", 0, 0, false},
		{403, "RequestTimeTooSkewed", NULL, 0, 0, false},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		EtlAwsFailure failure = {.status = cases[i].status};
		int64 offset = cases[i].before;
		bool told;

		strlcpy(failure.code, cases[i].code, sizeof(failure.code));
		told = aws_error_tells_time(&failure, cases[i].date, now, &offset);
		if (told != cases[i].told || offset != cases[i].after)
			fail_msg("case %d: %d, " INT64_FORMAT, i, told, offset);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_s3),
									   cmocka_unit_test(test_query),
									   cmocka_unit_test(test_json),
									   cmocka_unit_test(test_codes_of_services),
									   cmocka_unit_test(test_keys),
									   cmocka_unit_test(test_no_body),
									   cmocka_unit_test(test_nonsense),
									   cmocka_unit_test(test_no_answer),
									   cmocka_unit_test(test_signature_not_quoted), cmocka_unit_test(test_region_not_a_statement), cmocka_unit_test(test_time)};

	return cmocka_run_group_tests_name("aws_error", tests, NULL, NULL);
}
