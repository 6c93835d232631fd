/*
 * uri.c
 *		S3 URIs. See uri.h.
 *
 * Stricter than S3 where leniency hides mistakes: control characters, which S3 takes in keys, come from a line end
 * or a stray byte in a script. Nothing is decoded: a '%' or '+' in a key is that character.
 */
#include "store/uri.h"

#define URI_SCHEME "s3://"

static bool
invalid(const char *uri, EtlError *error, const char *detail)
{
	etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid S3 URI \"%s\"", uri);
	etl_error_detail(error, "%s", detail);
	return false;
}

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* NULL, or what breaks Amazon's rules for bucket names. */
static const char *
bucket_fault(const char *bucket, size_t len)
{
	bool only_digits_and_dots = true;

	if (len < 3 || len > 63)
		return "A bucket name is 3 to 63 characters long.";
	for (size_t i = 0; i < len; i++)
	{
		if (!is_letter_or_digit(bucket[i]) && bucket[i] != '.' && bucket[i] != '-')
			return "A bucket name has lower-case letters, digits, dots and hyphens only.";
		if (bucket[i] == '.' && bucket[i + 1] == '.')
			return "A bucket name does not have two dots in a row.";
		if (bucket[i] != '.' && (bucket[i] < '0' || bucket[i] > '9'))
			only_digits_and_dots = false;
	}
	if (!is_letter_or_digit(bucket[0]) || !is_letter_or_digit(bucket[len - 1]))
		return "A bucket name begins and ends with a letter or digit.";
	if (only_digits_and_dots && memchr(bucket, '.', len) != NULL)
		return "A bucket name does not look like an IP address.";
	return NULL;
}

bool
uri_split(const char *uri, char **bucket, char **key, EtlError *error)
{
	const char *name = uri + strlen(URI_SCHEME);
	const char *slash;
	const char *fault;
	size_t bucket_len;

	for (const char *p = uri; *p != '\0'; p++)
	{
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
		{
			/* The character itself stays out of the message, and so does what follows it. */
			etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid S3 URI \"%.*s\"", (int) (p - uri),
						  uri);
			etl_error_detail(error, "It has the control character 0x%02X after what is shown.",
							 (unsigned char) *p);
			return false;
		}
	}
	if (strncmp(uri, URI_SCHEME, strlen(URI_SCHEME)) != 0)
	{
		/* A signed URL has its signature after the question mark. */
		etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid S3 URI \"%.*s\"", (int) strcspn(uri, "?"),
					  uri);
		etl_error_detail(error, "It does not begin with \"s3://\".");
		if (pg_strncasecmp(uri, "s3a://", 6) == 0 || pg_strncasecmp(uri, "s3n://", 6) == 0 ||
			pg_strncasecmp(uri, URI_SCHEME, strlen(URI_SCHEME)) == 0)
			etl_error_hint(error, "Use \"s3://%s\".", strstr(uri, "://") + 3);
		else
			etl_error_hint(error, "Write it as s3://bucket/key.");
		return false;
	}
	slash = strchr(name, '/');
	bucket_len = slash != NULL ? slash - name : strlen(name);
	if ((fault = bucket_fault(name, bucket_len)) != NULL)
		return invalid(uri, error, fault);
	if (slash != NULL && strlen(slash + 1) > STORE_KEY_MAX)
		return invalid(uri, error, "A key is at most 1024 bytes long.");
	*bucket = pnstrdup(name, bucket_len);
	*key = pstrdup(slash != NULL ? slash + 1 : "");
	return true;
}
