/*
 * retry.c
 *		The retry decision. See retry.h.
 */
#include "net/retry.h"

#define TRANSIENT_BASE_MS 50
#define THROTTLED_BASE_MS 1000
#define CAP_MS 20000

static const char *const throttled_codes[] = {
	"BandwidthLimitExceeded",
	"EC2ThrottledException",
	"LimitExceededException",
	"PriorRequestNotComplete",
	"ProvisionedThroughputExceededException",
	"RequestLimitExceeded",
	"RequestThrottled",
	"RequestThrottledException",
	"SlowDown",
	"ThrottledException",
	"Throttling",
	"ThrottlingException",
	"TooManyRequestsException",
	"TransactionInProgressException",
};

/* Answers of status 400 or 409 that pass by themselves. */
static const char *const transient_codes[] = {
	"ConditionalRequestConflict",
	"IDPCommunicationError",
	"InternalError",
	"InternalFailure",
	"InternalServerError",
	"InternalServiceError",
	"OperationAborted",
	"RequestTimeout",
	"RequestTimeoutException",
	"ServiceUnavailable",
	"ServiceUnavailableException",
};

static bool
listed(const char *code, const char *const *codes, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

EtlRetryKind
retry_kind(int status, const char *code)
{
	if (status == 429 || listed(code, throttled_codes, lengthof(throttled_codes)))
		return ETL_RETRY_THROTTLED;
	if (status == 500 || status == 502 || status == 503 || status == 504 ||
		listed(code, transient_codes, lengthof(transient_codes)))
		return ETL_RETRY_TRANSIENT;
	return ETL_RETRY_NEVER;
}

bool
retry_again(EtlRetryKind kind, int attempts, double jitter, int64 retry_after_ms, int *wait_ms)
{
	int64 backoff = kind == ETL_RETRY_THROTTLED ? THROTTLED_BASE_MS : TRANSIENT_BASE_MS;

	Assert(attempts >= 1);
	if (kind == ETL_RETRY_NEVER || attempts >= RETRY_ATTEMPTS)
		return false;
	for (int i = 1; i < attempts && backoff < CAP_MS; i++)
		backoff *= 2;
	backoff = (int64) (Min(backoff, CAP_MS) * jitter);
	*wait_ms = (int) Max(backoff, Min(Max(retry_after_ms, 0), CAP_MS));
	return true;
}

/* A whole number and nothing else (Retry-After may also be a date); 0 otherwise. */
static int64
whole_number(const char *text)
{
	char *end;
	long value;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	value = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' && value <= PG_INT32_MAX ? value : 0;
}

int64
retry_after(const char *amz_retry_after, const char *retry_after)
{
	int64 ms = whole_number(amz_retry_after);

	return ms > 0 ? ms : whole_number(retry_after) * 1000;
}
