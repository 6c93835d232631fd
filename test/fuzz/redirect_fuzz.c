/*
 * redirect_fuzz.c
 *		Where S3 sends a request, as it says: to a host of S3's in another region, or to one at or below the endpoint, or
 *		nowhere.
 */
#include "aws/redirect.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* Up to the next zero byte. */
static void
take(const uint8 **data, const uint8 *end, char *to, size_t room)
{
	size_t length = strnlen((const char *) *data, end - *data);

	strlcpy(to, pnstrdup((const char *) *data, length), room);
	*data += Min(length + 1, (size_t) (end - *data));
}

static bool
ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void
check(const uint8 *data, size_t size)
{
	const uint8 *end = data + size;
	EtlAwsFailure failure = {.status = 300 + data[0] % 10};
	const char *custom = (data[0] & 0x80) ? "https://s3.example.org" : NULL;
	EtlEndpoint endpoint = {.base = custom != NULL ? "https://s3.example.org" : "https://s3.us-east-1.amazonaws.com",
							.host = custom != NULL ? "s3.example.org" : "s3.us-east-1.amazonaws.com",
							.path = "/lake"};
	EtlRedirect redirect = {.region = ""};
	char host[REDIRECT_HOST_SIZE];

	if (data[0] & 0x40)
		failure.status = 400;
	data++;
	take(&data, end, failure.code, sizeof(failure.code));
	take(&data, end, failure.region, sizeof(failure.region));
	take(&data, end, failure.location, sizeof(failure.location));
	take(&data, end, failure.endpoint, sizeof(failure.endpoint));
	if (!redirect_read(&failure, "lake", "us-east-1", &endpoint, custom, &redirect))
		return;
	strlcpy(host, redirect.host, sizeof(host));
	if (host[strcspn(host, ":")] != '\0' && custom == NULL)
		host[strcspn(host, ":")] = '\0';
	if (*host && strpbrk(host, "/?#@ \r\n\t\\") != NULL)
		abort();
	if (*host && custom == NULL && !ends_with(host, ".amazonaws.com") && !ends_with(host, ".amazonaws.com.cn"))
		abort();
	if (*redirect.region && strspn(redirect.region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(redirect.region))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	if (size > 0)
		check(data, size);
	run_memory_free();
	return 0;
}
