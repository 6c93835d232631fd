/*
 * metadata.c
 *		Asking the metadata service. See metadata.h.
 */
#include "postgres.h"

#include "aws/metadata.h"
#include "base/clock.h"
#include "common/pg_prng.h"
#include "net/retry.h"

#define TIMEOUT_MS 2000
#define MAX_ANSWER_SIZE (64 * 1024)

struct EtlMetadataRun
{
	const char *method;
	const char *url;
	EtlHttpField header;
	bool *progress;
	int failed;
	int64 resume_ms;
	EtlHttp *http; /* NULL: the next attempt begins at resume_ms */
	StringInfoData body;
};

EtlMetadataRun *
metadata_start(const char *method, const char *url, const EtlHttpField *header, bool *progress)
{
	EtlMetadataRun *run = palloc0(sizeof(EtlMetadataRun));

	run->method = method;
	run->url = url;
	if (header != NULL)
		run->header = *header;
	run->progress = progress;
	initStringInfo(&run->body);
	return run;
}

static void
attempt(EtlMetadataRun *run)
{
	resetStringInfo(&run->body);
	run->http = http_start(&(EtlHttpRequest){.method = run->method,
											 .url = run->url,
											 .headers = &run->header,
											 .nheaders = run->header.name != NULL ? 1 : 0,
											 .body = {.fd = -1},
											 .timeout_ms = TIMEOUT_MS,
											 .progress = run->progress});
}

static void
raise_no_answer(const EtlMetadataRun *run)
{
	const EtlHttpFailure *failure = http_failure(run->http);

	ereport(ERROR, errcode(failure->sqlstate != 0 ? failure->sqlstate : ERRCODE_PROTOCOL_VIOLATION),
			errmsg("could not get AWS credentials from \"%s\": no answer", run->url),
			errdetail("The request failed: %s.",
					  failure->sqlstate != 0 ? failure->reason : "the answer is longer than 64 kB"),
			errhint("Check that the database server runs where there is such a service, or set another value "
					"for option "
					"\"credentials\" of the foreign server."));
}

/* The attempt has ended: is another worth it? */
static bool
again(EtlMetadataRun *run, bool complete)
{
	const EtlHttpFailure *failure = http_failure(run->http);
	EtlRetryKind kind = complete			 ? retry_kind(http_status(run->http), "")
						: failure->transient ? ETL_RETRY_TRANSIENT
											 : ETL_RETRY_NEVER;
	int wait_ms;

	if (!retry_again(kind, ++run->failed, pg_prng_double(&pg_global_prng_state), 0, &wait_ms))
		return false;
	run->resume_ms = clock_monotonic_ms() + wait_ms;
	return true;
}

bool
metadata_poll(EtlMetadataRun *run, int *status, StringInfo body, EtlWait *wait)
{
	*wait = ETL_WAIT_NONE;
	for (;;)
	{
		bool complete;

		if (run->http == NULL)
		{
			wait->until_ms = run->resume_ms;
			if (clock_monotonic_ms() < run->resume_ms)
				return false;
			*wait = ETL_WAIT_NONE;
			attempt(run);
		}
		if (!http_collect(run->http, MAX_ANSWER_SIZE, &run->body, &complete, wait))
			return false;
		if (!again(run, complete))
			break;
		http_close(run->http);
		run->http = NULL;
	}
	*status = http_status(run->http);
	if (http_failure(run->http)->sqlstate != 0 || *status == 0)
		raise_no_answer(run);
	http_close(run->http);
	*body = run->body;
	return true;
}
