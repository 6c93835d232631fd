/*
 * endpoint.c
 *		Hosts by service and region. See endpoint.h.
 */
#include "aws/endpoint.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* The rest of AWS is one partition; these have domains of their own. */
static const char *
partition_domain(const char *region)
{
	return strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
}

bool
endpoint_region_check(const char *region, EtlError *error)
{
	size_t length = strlen(region);

	if (length > 0 && length <= 32 && strspn(region, LETTERS DIGITS "-") == length && region[0] != '-' &&
		region[length - 1] != '-')
		return true;
	etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid AWS region \"%s\"", region);
	etl_error_hint(error, "A region looks like us-east-1.");
	return false;
}

/* "host[:port]" of letters, digits, dots and hyphens, or "[v6][:port]" */
static bool
host_check(const char *host)
{
	size_t length;

	if (*host == '[')
	{
		length = strspn(host + 1, "0123456789abcdefABCDEF:.") + 1;
		if (length < 3 || host[length] != ']')
			return false;
		length++;
	}
	else
	{
		length = strspn(host, LETTERS UPPER DIGITS ".-_");
		if (length == 0 || length > 253 || *host == '-' || *host == '.')
			return false;
	}
	if (host[length] == ':')
	{
		size_t digits = strspn(host + length + 1, DIGITS);
		int port = digits > 0 && digits <= 5 ? atoi(host + length + 1) : 0;

		if (port < 1 || port > 65535)
			return false;
		length += 1 + digits;
	}
	return host[length] == '\0';
}

static const char *
host_of(const char *endpoint)
{
	if (strncmp(endpoint, "https://", 8) == 0)
		return endpoint + 8;
	if (strncmp(endpoint, "http://", 7) == 0)
		return endpoint + 7;
	return NULL;
}

bool
endpoint_custom_check(const char *endpoint, EtlError *error)
{
	const char *host = host_of(endpoint);

	if (host != NULL && host_check(host))
		return true;
	/* not repeated in the message: it may hold a password */
	etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid AWS endpoint");
	etl_error_detail(error,
					 "An endpoint has a scheme, a host and perhaps a port; no user, path, query or blank.");
	etl_error_hint(
		error, "Write it like http://localhost:5000 or https://vpce-1a2b3c.s3.us-east-1.vpce.amazonaws.com.");
	return false;
}

/* S3's rules for a new bucket; dots at the wrong place would also make another host of it. */
bool
endpoint_bucket_check(const char *bucket, EtlError *error)
{
	size_t length = strlen(bucket);
	const char *why = NULL;

	if (length < 3 || length > 63)
		why = "A bucket's name has 3 to 63 characters.";
	else if (strspn(bucket, LETTERS DIGITS ".-") != length)
		why = "A bucket's name consists of lower-case letters, digits, hyphens and dots.";
	else if (strchr(".-", bucket[0]) != NULL || strchr(".-", bucket[length - 1]) != NULL)
		why = "A bucket's name starts and ends with a letter or a digit.";
	else if (strstr(bucket, "..") != NULL)
		why = "A bucket's name has no two dots in a row.";
	else if (strspn(bucket, DIGITS ".") == length && strchr(bucket, '.') != NULL)
		why = "A bucket's name is not an IP address.";
	if (why == NULL)
		return true;
	etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid S3 bucket name \"%s\"", bucket);
	etl_error_detail(error, "%s", why);
	return false;
}

bool
endpoint_service(const char *service, const char *region, const char *custom, EtlEndpoint *out,
				 EtlError *error)
{
	if (!endpoint_region_check(region, error))
		return false;
	if (custom != NULL)
	{
		if (!endpoint_custom_check(custom, error))
			return false;
		out->base = pstrdup(custom);
		out->host = pstrdup(host_of(custom));
	}
	else
	{
		out->host = psprintf("%s.%s.%s", service, region, partition_domain(region));
		out->base = psprintf("https://%s", out->host);
	}
	out->path = pstrdup("");
	return true;
}

/* No bucket can be put before an address. */
static bool
is_address(const char *host)
{
	return *host == '[' || host[strspn(host, DIGITS ".")] == ':' || host[strspn(host, DIGITS ".")] == '\0';
}

bool
endpoint_s3(const char *region, const char *custom, bool path_style, const char *bucket, EtlEndpoint *out,
			EtlError *error)
{
	EtlEndpoint service;

	if (!endpoint_bucket_check(bucket, error) || !endpoint_service("s3", region, custom, &service, error))
		return false;
	/* The certificate for *.s3.region.amazonaws.com doesn't cover a name with a dot in it. */
	if (path_style || is_address(service.host) ||
		(strchr(bucket, '.') != NULL && strncmp(service.base, "https:", 6) == 0))
	{
		*out = service;
		out->path = psprintf("/%s", bucket);
	}
	else
	{
		int scheme = (int) (host_of(service.base) - service.base);

		out->host = psprintf("%s.%s", bucket, service.host);
		out->base = psprintf("%.*s%s", scheme, service.base, out->host);
		out->path = pstrdup("");
	}
	return true;
}
