/*
 * retry.h
 *		Whether to try again, and when: AWS's standard mode. Pure; waiting is http_sleep's.
 */
#ifndef ETL_NET_RETRY_H
#define ETL_NET_RETRY_H

#include "base/platform.h"

#define RETRY_ATTEMPTS 3

typedef enum EtlRetryKind
{
	ETL_RETRY_NEVER, /* the same request would fail the same way */
	ETL_RETRY_TRANSIENT, /* 50 ms, doubled an attempt */
	ETL_RETRY_THROTTLED /* 1 s, doubled an attempt */
} EtlRetryKind;

/* What an answer with this status and AWS error code ("" for none) asks for. */
extern EtlRetryKind retry_kind(int status, const char *code);
/*
 * After `attempts` failed attempts: false to give up, else true and how long to wait. jitter is a random number in
 * [0, 1); retry_after_ms is what the server asked for (0: nothing).
 */
extern bool retry_again(EtlRetryKind kind, int attempts, double jitter, int64 retry_after_ms, int *wait_ms);
/* Headers x-amz-retry-after (milliseconds) and Retry-After (seconds), either NULL, as milliseconds; 0: neither. */
extern int64 retry_after(const char *amz_retry_after, const char *retry_after);

#endif
