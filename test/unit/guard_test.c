/*
 * guard_test.c
 *		The addresses an untrusted server may and may not reach.
 */
#include "net/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/un.h>

#include <cmocka.h>

static bool
is_public(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return guard_address_is_public((struct sockaddr *) &v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return guard_address_is_public((struct sockaddr *) &v6);
}

static void
test_refused(void **state)
{
	const char *refused[] = {
		"0.0.0.0",
		"0.1.2.3",
		"10.0.0.1",
		"10.255.255.255",
		"100.64.0.1",
		"100.127.255.255",
		"127.0.0.1",
		"127.255.0.1",
		"169.254.169.254",
		"169.254.170.2",
		"172.16.0.1",
		"172.31.255.255",
		"192.0.0.170",
		"192.168.1.1",
		"198.18.0.1",
		"198.19.255.255",
		"224.0.0.1",
		"239.255.255.255",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::127.0.0.1",
		"::ffff:127.0.0.1",
		"::ffff:169.254.169.254",
		"64:ff9b::a00:1",
		"64:ff9b:1::1",
		"2002:7f00:1::",
		"2002:a00:1::1",
		"2001:0:1::1",
		"2001:db8::1",
		"3fff:fff::1",
		"fe80::1",
		"fec0::1",
		"fc00::1",
		"fd00:ec2::254",
		"ff02::1",
		"100::1",
	};

	for (int i = 0; i < lengthof(refused); i++)
		if (is_public(refused[i]))
			fail_msg("%s must be refused", refused[i]);
}

static void
test_allowed(void **state)
{
	const char *allowed[] = {
		"1.1.1.1",		   "52.216.0.1",		"9.255.255.255",   "11.0.0.0",		  "100.63.255.255",
		"100.128.0.0",	   "128.0.0.1",			"169.253.255.255", "172.15.255.255",  "172.32.0.0",
		"192.167.255.255", "198.17.255.255",	"198.20.0.0",	   "223.255.255.255", "2600:1f00::1",
		"2606:4700::1111", "::ffff:52.216.0.1", "64:ff9b::34d8:1", "2001:200::1",	  "2a05:d000::1",
	};

	for (int i = 0; i < lengthof(allowed); i++)
		if (!is_public(allowed[i]))
			fail_msg("%s must be allowed", allowed[i]);
}

static void
test_other_families(void **state)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	assert_false(guard_address_is_public((struct sockaddr *) &local));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused), cmocka_unit_test(test_allowed),
									   cmocka_unit_test(test_other_families)};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
