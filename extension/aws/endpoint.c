/*
 * endpoint.c
 *		Hosts by service and region. See endpoint.h.
 *
 * AWS's rule is service[-fips].region.domain; the domain is the partition's. What it doesn't hold for is written down
 * here, and test/aws/endpoint_vectors.py compares all of it with what botocore says.
 */
#include "aws/endpoint.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

typedef struct Partition
{
	const char *name;
	const char *prefix; /* of its regions' names */
	const char *domain;
	const char *dualstack_domain; /* of endpoints that have IPv6 too */
	const char *global_region;	  /* where services that it has one of sign for */
} Partition;

/* A longer prefix comes before a shorter one. The last is the rest. */
static const Partition partitions[] = {
	{"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-north-1"},
	{"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1"},
	{"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1"},
	{"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1"},
	{"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1"},
	{"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1"},
	{"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"},
	{"aws", "", "amazonaws.com", "api.aws", "us-east-1"},
};

static const Partition *
partition_of(const char *region)
{
	const Partition *partition = partitions;

	while (strncmp(region, partition->prefix, strlen(partition->prefix)) != 0)
		partition++;
	return partition;
}

/*
 * Hosts that break the rule, "%s" being the region. A NULL partition is any, and a NULL service any but those that are
 * named before; the first that fits counts.
 */
typedef struct Exception
{
	const char *service;
	const char *partition;
	const char *region; /* NULL: any of the partition */
	int fips;			/* 0, 1, or -1: both */
	int dualstack;
	const char *host;
} Exception;

static const Exception exceptions[] = {
	/* a partition has one IAM */
	{"iam", "aws", NULL, 0, 0, "iam.amazonaws.com"},
	{"iam", "aws", NULL, 1, 0, "iam-fips.amazonaws.com"},
	{"iam", "aws", NULL, 0, 1, "iam.global.api.aws"},
	{"iam", "aws", NULL, 1, 1, "iam-fips.global.api.aws"},
	{"iam", "aws-cn", NULL, 0, 0, "iam.cn-north-1.amazonaws.com.cn"},
	{"iam", "aws-cn", NULL, 0, 1, "iam.global.api.amazonwebservices.com.cn"},
	{"iam", "aws-us-gov", NULL, -1, 0, "iam.us-gov.amazonaws.com"},
	{"iam", "aws-us-gov", NULL, -1, 1, "iam.us-gov.api.aws"},
	{"iam", "aws-iso", NULL, 0, 0, "iam.us-iso-east-1.c2s.ic.gov"},
	{"iam", "aws-iso-b", NULL, 0, 0, "iam.us-isob-east-1.sc2s.sgov.gov"},
	{"iam", "aws-iso-e", NULL, 0, 0, "iam.eu-isoe-west-1.cloud.adc-e.uk"},
	{"iam", "aws-iso-f", NULL, 0, 0, "iam.us-isof-south-1.csp.hci.ic.gov"},
	{"iam", "aws-eusc", NULL, 0, 0, "iam.eusc-de-east-1.amazonaws.eu"},
	{"iam", NULL, NULL, -1, -1, NULL},
	/* in GovCloud these meet FIPS 140 under their ordinary names */
	{"sts", "aws-us-gov", NULL, 1, 0, "sts.%s.amazonaws.com"},
	{"ec2", "aws-us-gov", NULL, 1, 0, "ec2.%s.amazonaws.com"},
	{"redshift", "aws-us-gov", NULL, 1, 0, "redshift.%s.amazonaws.com"},
	{"states", "aws-us-gov", "us-gov-west-1", 1, 0, "states.%s.amazonaws.com"},
	{"states", "aws-us-gov", NULL, -1, 1, "states-fips.%s.api.aws"},
	{"sns", "aws-us-gov", NULL, 1, 0, "sns.%s.amazonaws.com"},
	{"sqs", "aws-us-gov", NULL, 1, 0, "sqs.%s.amazonaws.com"},
	{"ssm", "aws-us-gov", NULL, 1, 0, "ssm.%s.amazonaws.com"},
	{"events", "aws-us-gov", NULL, 1, 0, "events.%s.amazonaws.com"},
	{"events", "aws-us-gov", NULL, 1, 1, "events.%s.api.aws"},
	{"logs", "aws-us-gov", NULL, 1, 0, "logs.%s.amazonaws.com"},
	{"monitoring", "aws-us-gov", NULL, 1, 0, "monitoring.%s.amazonaws.com"},
	{"monitoring", "aws-us-gov", NULL, 1, 1, "monitoring.%s.api.aws"},
	{"dynamodb", "aws-us-gov", NULL, 1, 0, "dynamodb.%s.amazonaws.com"},
	{"dms", "aws-us-gov", NULL, 1, 0, "dms.%s.amazonaws.com"},
	{"dms", "aws-iso", NULL, 1, 0, "dms.%s.c2s.ic.gov"},
	{"dms", "aws-iso-b", NULL, 1, 0, "dms.%s.sc2s.sgov.gov"},
	{"elasticmapreduce", "aws-us-gov", NULL, 1, 0, "elasticmapreduce.%s.amazonaws.com"},
	{"batch", "aws-us-gov", NULL, 1, 0, "batch.%s.amazonaws.com"},
	{"batch", "aws", NULL, 1, 0, "fips.batch.%s.amazonaws.com"},
	/* its ordinary names have IPv6 addresses */
	{"secretsmanager", "aws", NULL, 0, 1, "secretsmanager.%s.amazonaws.com"},
	{"secretsmanager", "aws", NULL, 1, 1, "secretsmanager-fips.%s.amazonaws.com"},
	{"secretsmanager", "aws-us-gov", NULL, 0, 1, "secretsmanager.%s.amazonaws.com"},
	{"secretsmanager", "aws-us-gov", NULL, 1, 1, "secretsmanager-fips.%s.amazonaws.com"},
	{"secretsmanager", "aws-cn", NULL, 0, 1, "secretsmanager.%s.amazonaws.com.cn"},
	/* China has no endpoints that are said to meet FIPS 140 */
	{"s3", "aws-cn", NULL, 1, -1, NULL},
};

static const Exception *
exception_find(const char *service, const char *partition, const char *region,
			   const EtlEndpointOptions *options)
{
	for (int i = 0; i < lengthof(exceptions); i++)
	{
		const Exception *e = &exceptions[i];

		if (strcmp(e->service, service) == 0 &&
			(e->partition == NULL || strcmp(e->partition, partition) == 0) &&
			(e->region == NULL || strcmp(e->region, region) == 0) &&
			(e->fips < 0 || e->fips == options->fips) &&
			(e->dualstack < 0 || e->dualstack == options->dualstack))
			return e;
	}
	return NULL;
}

/* AWS's own host; NULL: there is none of that kind. */
static char *
aws_host(const char *service, const char *region, const EtlEndpointOptions *options)
{
	const Partition *partition = partition_of(region);
	const Exception *exception = exception_find(service, partition->name, region, options);
	const char *fips = options->fips ? "-fips" : "";
	const char *mark;

	if (exception != NULL && exception->host == NULL)
		return NULL;
	if (exception == NULL && strcmp(service, "s3") == 0)
		return psprintf("s3%s%s.%s.%s", fips, options->dualstack ? ".dualstack" : "", region,
						partition->domain);
	if (exception == NULL)
		return psprintf("%s%s.%s.%s", service, fips, region,
						options->dualstack ? partition->dualstack_domain : partition->domain);
	mark = strstr(exception->host, "%s");
	if (mark == NULL)
		return pstrdup(exception->host);
	return psprintf("%.*s%s%s", (int) (mark - exception->host), exception->host, region, mark + 2);
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

static bool
custom_endpoint(const EtlEndpointOptions *options, EtlEndpoint *out, EtlError *error)
{
	if (!endpoint_custom_check(options->custom, error))
		return false;
	if (options->fips || options->dualstack)
	{
		etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE,
					  "options \"use_fips\" and \"use_dualstack\" are not for a server with an endpoint");
		etl_error_hint(error, "They choose among AWS's own endpoints: drop them, or option \"endpoint\".");
		return false;
	}
	out->base = pstrdup(options->custom);
	out->host = pstrdup(host_of(options->custom));
	return true;
}

bool
endpoint_service(const char *service, const char *region, const EtlEndpointOptions *options, EtlEndpoint *out,
				 EtlError *error)
{
	if (!endpoint_region_check(region, error))
		return false;
	if (options->custom != NULL)
	{
		if (!custom_endpoint(options, out, error))
			return false;
	}
	else
	{
		out->host = aws_host(service, region, options);
		if (out->host == NULL)
		{
			etl_error_set(error, ERRCODE_FEATURE_NOT_SUPPORTED,
						  "service \"%s\" has no such endpoint in region \"%s\"", service, region);
			etl_error_detail(error, "It would be one with%s FIPS 140 and with%s IPv6.",
							 options->fips ? "" : "out", options->dualstack ? "" : "out");
			etl_error_hint(
				error, "Drop options \"use_fips\" and \"use_dualstack\", or name it in option \"endpoint\".");
			return false;
		}
		out->base = psprintf("https://%s", out->host);
	}
	out->path = pstrdup("");
	out->region = pstrdup(strcmp(service, "iam") == 0 ? partition_of(region)->global_region : region);
	return true;
}

/* No bucket can be put before an address. */
static bool
is_address(const char *host)
{
	return *host == '[' || host[strspn(host, DIGITS ".")] == ':' || host[strspn(host, DIGITS ".")] == '\0';
}

bool
endpoint_s3(const char *region, const EtlEndpointOptions *options, const char *bucket, EtlEndpoint *out,
			EtlError *error)
{
	EtlEndpoint service;

	if (!endpoint_bucket_check(bucket, error) || !endpoint_service("s3", region, options, &service, error))
		return false;
	/* The certificate for *.s3.region.amazonaws.com doesn't cover a name with a dot in it. */
	if (options->path_style || is_address(service.host) ||
		(strchr(bucket, '.') != NULL && strncmp(service.base, "https:", 6) == 0))
	{
		*out = service;
		out->path = psprintf("/%s", bucket);
	}
	else
	{
		int scheme = (int) (host_of(service.base) - service.base);

		*out = service;
		out->host = psprintf("%s.%s", bucket, service.host);
		out->base = psprintf("%.*s%s", scheme, service.base, out->host);
	}
	return true;
}
