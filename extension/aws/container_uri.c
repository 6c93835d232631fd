/*
 * container_uri.c
 *		The SDKs' rules for AWS_CONTAINER_CREDENTIALS_FULL_URI. See container_uri.h.
 */
#include "aws/container_uri.h"

#include <arpa/inet.h>

#include "aws/endpoint.h"

/* The host of "host[:port]" or "[v6][:port]", without brackets and port. */
static char *
host_copy(const char *host)
{
	char *copy = pstrdup(*host == '[' ? host + 1 : host);

	copy[strcspn(copy, *host == '[' ? "]" : ":")] = '\0';
	return copy;
}

static bool
v6_is(const struct in6_addr *address, const char *text)
{
	struct in6_addr other;

	return inet_pton(AF_INET6, text, &other) == 1 && memcmp(address, &other, sizeof(other)) == 0;
}

/* Addresses are compared as such, so that no name or spelling looks like one. */
static bool
host_is_near(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
	{
		uint32 address = ntohl(v4.s_addr);

		return address >> 24 == 127 || address == 0xA9FEAA02 || address == 0xA9FEAA17;
	}
	return inet_pton(AF_INET6, host, &v6) == 1 && (v6_is(&v6, "::1") || v6_is(&v6, "fd00:ec2::23"));
}

static bool
refuse(EtlError *error, const char *detail)
{
	etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "AWS_CONTAINER_CREDENTIALS_FULL_URI can't be used");
	etl_error_detail(error, "%s", detail);
	return false;
}

bool
container_uri_check(const char *uri, EtlError *error)
{
	bool https = strncmp(uri, "https://", 8) == 0;
	const char *host = uri + (https ? 8 : 7);
	char *base;
	EtlError why;

	if (!https && strncmp(uri, "http://", 7) != 0)
		return refuse(error, "It is not an http or https URI.");
	base = pstrdup(uri);
	base[host - uri + strcspn(host, "/?#")] = '\0';
	if (!endpoint_custom_check(base, &why))
		return refuse(error, "Its host and port make no sense.");
	for (const unsigned char *c = (const unsigned char *) uri; *c; c++)
		if (*c <= 0x20 || *c >= 0x7F || *c == '#')
			return refuse(error, "It holds a character that a URI doesn't.");
	if (!https && !host_is_near(host_copy(base + 7)))
		return refuse(
			error,
			"With http it may name this machine, 169.254.170.2, 169.254.170.23 and [fd00:ec2::23] only.");
	return true;
}
