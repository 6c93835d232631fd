/*
 * guard.c
 *		Public addresses and all others. See guard.h.
 */
#include "net/guard.h"

#include <netinet/in.h>

typedef struct Range
{
	uint32 network;
	int bits;
} Range;

#define V4(a, b, c, d) (((uint32) (a) << 24) | ((b) << 16) | ((c) << 8) | (d))

/* IANA's special-purpose registry: what is not globally reachable. */
static const Range not_public[] = {
	{V4(0, 0, 0, 0), 8},
	{V4(10, 0, 0, 0), 8},
	{V4(100, 64, 0, 0), 10}, /* carrier-grade NAT */
	{V4(127, 0, 0, 0), 8},
	{V4(169, 254, 0, 0), 16}, /* link-local: the metadata service */
	{V4(172, 16, 0, 0), 12},
	{V4(192, 0, 0, 0), 24},
	{V4(192, 0, 2, 0), 24}, /* documentation */
	{V4(192, 88, 99, 0), 24}, /* 6to4 relays */
	{V4(192, 168, 0, 0), 16},
	{V4(198, 18, 0, 0), 15}, /* benchmarks */
	{V4(198, 51, 100, 0), 24}, /* documentation */
	{V4(203, 0, 113, 0), 24}, /* documentation */
	{V4(224, 0, 0, 0), 4}, /* multicast */
	{V4(240, 0, 0, 0), 4}, /* reserved, broadcast */
};

static bool
v4_is_public(uint32 address)
{
	for (int i = 0; i < lengthof(not_public); i++)
		if (((address ^ not_public[i].network) >> (32 - not_public[i].bits)) == 0)
			return false;
	return true;
}

static bool
has_prefix(const uint8 *address, const uint8 *prefix, size_t size)
{
	return memcmp(address, prefix, size) == 0;
}

static uint32
v4_at(const uint8 *bytes)
{
	return V4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

static bool
v6_is_public(const uint8 *address)
{
	static const uint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
	static const uint8 nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
	static const uint8 six_to_four[2] = {0x20, 0x02};
	static const uint8 documentation[4] = {0x20, 0x01, 0x0D, 0xB8};
	static const uint8 documentation2[2] = {0x3F, 0xFF};
	static const uint8 special[2] = {0x20, 0x01};

	/* An IPv4 address in IPv6 clothes is judged as what it is. */
	if (has_prefix(address, mapped, sizeof(mapped)) || has_prefix(address, nat64, sizeof(nat64)))
		return v4_is_public(v4_at(address + 12));
	if (has_prefix(address, six_to_four, sizeof(six_to_four)))
		return v4_is_public(v4_at(address + 2));
	if (has_prefix(address, documentation, sizeof(documentation)) ||
		(has_prefix(address, documentation2, sizeof(documentation2)) && address[2] < 0x10))
		return false;
	/* 2001::/23: Teredo, ORCHID, benchmarks */
	if (has_prefix(address, special, sizeof(special)) && address[2] < 0x02)
		return false;
	/* Global unicast is 2000::/3; loopback, link-local, unique-local, site-local and multicast are outside it. */
	return (address[0] & 0xE0) == 0x20;
}

bool
guard_address_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return v4_is_public(ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return v6_is_public(((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr);
	return false;
}
