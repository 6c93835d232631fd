/*
 * headers_test.c
 *		The headers of a response: which line is one, what it says, and that there is no more of them than there is room.
 */
#include "net/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool
add(EtlHttpHeaders *headers, const char *line)
{
	return http_headers_add(headers, line, strlen(line));
}

static void
test_find(void **state)
{
	char data[256];
	EtlHttpHeaders headers = {.data = data, .room = sizeof(data)};

	assert_null(http_headers_find(&headers, "ETag"));
	assert_true(add(&headers, "HTTP/1.1 200 OK\r\n") && add(&headers, "ETag: \"a\"\r\n") &&
				add(&headers, "content-length:5\r\n") && add(&headers, "X-Empty:\r\n") &&
				add(&headers, "X-Blanks: \t a b \t\r\n") && add(&headers, "etag: second\r\n") &&
				add(&headers, " ETag-Folded: x\r\n") && add(&headers, "nonsense\r\n") &&
				add(&headers, "\r\n"));
	assert_string_equal(http_headers_find(&headers, "etag"), "\"a\"");
	assert_string_equal(http_headers_find(&headers, "Content-Length"), "5");
	assert_string_equal(http_headers_find(&headers, "x-empty"), "");
	assert_string_equal(http_headers_find(&headers, "X-Blanks"), "a b");
	assert_null(http_headers_find(&headers, "ETag-Folded"));
	assert_null(http_headers_find(&headers, "X"));
	assert_null(http_headers_find(&headers, "nonsense"));
	assert_null(http_headers_find(&headers, "X-Blanks-More"));
}

static void
test_announcement(void **state)
{
	char data[64];
	EtlHttpHeaders headers = {.data = data, .room = sizeof(data)};

	assert_true(add(&headers, "HTTP/1.1 100 Continue\r\n") && add(&headers, "Date: then\r\n") &&
				add(&headers, "\r\n"));
	assert_string_equal(http_headers_find(&headers, "Date"), "then");
	assert_true(add(&headers, "HTTP/2 200\r\n"));
	assert_null(http_headers_find(&headers, "Date"));
}

/* A byte 0 doesn't make two headers of one. */
static void
test_zero(void **state)
{
	static const char line[] = "X-A: b\0ETag: forged\r\n";
	char data[64];
	EtlHttpHeaders headers = {.data = data, .room = sizeof(data)};

	assert_true(http_headers_add(&headers, line, sizeof(line) - 1));
	assert_null(http_headers_find(&headers, "ETag"));
	assert_null(http_headers_find(&headers, "X-A"));
}

static void
test_room(void **state)
{
	char data[11];
	EtlHttpHeaders headers = {.data = data, .room = 10};

	data[10] = '#';
	assert_false(add(&headers, "X-A: 12345\r\n"));
	assert_null(http_headers_find(&headers, "X-A"));
	assert_true(add(&headers, "X-A: 1234\r\n"));
	assert_string_equal(http_headers_find(&headers, "X-A"), "1234");
	assert_false(add(&headers, "a"));
	assert_true(add(&headers, "\r\n"));
	assert_int_equal(data[10], '#');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_announcement),
									   cmocka_unit_test(test_zero), cmocka_unit_test(test_room)};

	return cmocka_run_group_tests_name("headers", tests, NULL, NULL);
}
