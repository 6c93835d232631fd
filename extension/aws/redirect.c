/*
 * redirect.c
 *		S3's redirects. See redirect.h.
 */
#include "aws/redirect.h"

static bool
strip_prefix(const char **text, const char *prefix)
{
	size_t length = strlen(prefix);

	if (strncmp(*text, prefix, length) != 0)
		return false;
	*text += length;
	return true;
}

/* The region whose S3 has this host, [bucket.]s3[-fips][.dualstack]{.|-}region.amazonaws.com; false: it isn't S3's. */
static bool
s3_region(const char *host, const char *bucket, char region[REDIRECT_REGION_SIZE])
{
	static const char *const domains[] = {".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"};
	size_t bucket_length = strlen(bucket);
	EtlError error;

	if (strncmp(host, bucket, bucket_length) == 0 && host[bucket_length] == '.')
		host += bucket_length + 1;
	if (strcmp(host, "s3.amazonaws.com") == 0 || strcmp(host, "s3-external-1.amazonaws.com") == 0)
	{
		strlcpy(region, "us-east-1", REDIRECT_REGION_SIZE);
		return true;
	}
	if (!strip_prefix(&host, "s3"))
		return false;
	strip_prefix(&host, "-fips");
	strip_prefix(&host, ".dualstack");
	if (*host != '.' && *host != '-')
		return false;
	host++;
	for (int i = 0; i < lengthof(domains); i++)
	{
		size_t length = strcspn(host, ".");

		if (strcmp(host + length, domains[i]) != 0 || length >= REDIRECT_REGION_SIZE)
			continue;
		strlcpy(region, host, length + 1);
		return endpoint_region_check(region, &error);
	}
	return false;
}

/* The same, or below it. Both with a port if any. */
static bool
is_below(const char *host, const char *domain)
{
	size_t host_length = strlen(host);
	size_t domain_length = strlen(domain);

	return strcmp(host, domain) == 0 ||
		   (host_length > domain_length && host[host_length - domain_length - 1] == '.' &&
			strcmp(host + host_length - domain_length, domain) == 0 &&
			strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") >= host_length - domain_length);
}

/* 307: the host that the answer names, if it may have the request. */
static bool
read_location(const EtlAwsFailure *failure, const char *bucket, const EtlEndpoint *endpoint,
			  const char *custom, EtlRedirect *out)
{
	const char *rest = failure->location;
	bool https = strip_prefix(&rest, "https://");
	char region[REDIRECT_REGION_SIZE];
	size_t length;

	if (!https && !strip_prefix(&rest, "http://"))
		return false;
	if (https != (strncmp(endpoint->base, "https:", 6) == 0))
		return false;
	length = strcspn(rest, "/?#");
	if (length == 0 || length >= REDIRECT_HOST_SIZE)
		return false;
	strlcpy(out->host, rest, length + 1);
	if (https && s3_region(out->host, bucket, region))
	{
		if (out->region[0] == '\0')
			strlcpy(out->region, region, REDIRECT_REGION_SIZE);
		return true;
	}
	return custom != NULL && is_below(out->host, strstr(custom, "://") + 3);
}

bool
redirect_read(const EtlAwsFailure *failure, const char *bucket, const char *region,
			  const EtlEndpoint *endpoint, const char *custom, EtlRedirect *out)
{
	EtlError error;

	memset(out, 0, sizeof(*out));
	if (failure->region[0] && endpoint_region_check(failure->region, &error))
		strlcpy(out->region, failure->region, REDIRECT_REGION_SIZE);
	switch (failure->status)
	{
		case 301:
			if (out->region[0] == '\0' && !s3_region(failure->endpoint, bucket, out->region))
				return false;
			return strcmp(out->region, region) != 0;
		case 400: /* it is of many other reasons, and those name no other region */
			return out->region[0] != '\0' && strcmp(out->region, region) != 0;
		case 307:
			return read_location(failure, bucket, endpoint, custom, out);
	}
	return false;
}
