/*
 * request.c
 *		Sign, send, look at the answer, try again. See request.h.
 *
 * An attempt is signed afresh: its time is part of the signature. When AWS says that our clock is wrong, the answer's
 * Date header tells by how much; the process remembers that and signs with the corrected time from then on. Where S3
 * redirects to is gone to with a new signature, and what region a bucket is in remembered too.
 */
#include "postgres.h"

#include <time.h>

#include "aws/bucket_region.h"
#include "aws/redirect.h"
#include "aws/request.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/transaction.h"
#include "common/pg_prng.h"
#include "mb/pg_wchar.h"
#include "net/quota_shared.h"
#include "net/retry.h"
#include "utils/timestamp.h"

#define ERROR_BODY_SIZE (64 * 1024)
#define MAX_KEY_ID_SIZE 130 /* AWS's have up to 128 characters */
#define MOST_REDIRECTS 2
#define LATE_PATIENCE_S 600 /* S3 may take minutes to put the parts of an object together */
#define RESUMED_SIZE (64 * 1024) /* this much of a body is progress */
#define TIMESTAMP_SIZE 17 /* 20150830T123600Z and its NUL */

static int64 clock_offset_s = 0;

void
aws_text_check(const char *what, const char *text)
{
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
		if (*c < 0x20 || *c == 0x7F)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s holds a control character", what),
					errdetail("Byte %d is 0x%02X.", (int) (c - (const unsigned char *) text) + 1, *c));
}

/* A conversion looks into the catalogs, and the caller may hold no transaction. */
static char *
convert(const char *text, char *(*conversion)(const char *, int, int) )
{
	EtlTransaction transaction;
	char *converted;

	if (GetDatabaseEncoding() == PG_UTF8)
		return unconstify(char *, text);
	etl_transaction_enter(&transaction);
	converted = conversion(text, (int) strlen(text), PG_UTF8);
	etl_transaction_leave(&transaction);
	return converted;
}

char *
aws_text_to_utf8(const char *text)
{
	return convert(text, pg_server_to_any);
}

char *
aws_text_from_utf8(const char *text)
{
	return convert(text, pg_any_to_server);
}

static void
format_timestamp(char out[TIMESTAMP_SIZE])
{
	time_t now = timestamptz_to_time_t(clock_now()) + clock_offset_s;
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL || strftime(out, TIMESTAMP_SIZE, "%Y%m%dT%H%M%SZ", &tm) == 0)
		ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				errmsg("the clock's time can't be signed"));
}

/* What a request's attempts have in common, and what they have learnt. */
typedef struct Attempts
{
	const EtlAwsRequest *request;
	const EtlAwsCredentials *credentials;
	char body_hash[SIGV4_HEX_SIZE];
	int failed;
	bool clock_corrected;
	bool keys_renewed;
	char access_key_id[MAX_KEY_ID_SIZE]; /* that signed last; "": nobody's */
	bool has_token;
	int taken; /* of the retry quota, for the last one */
	int redirects;
	MemoryContext context; /* of the endpoint, and what else is learnt */
	EtlEndpoint endpoint;
	char region[REDIRECT_REGION_SIZE];
} Attempts;

/* Sign once and send once, without waiting for the answer. Wipes the keys. */
static EtlHttp *
attempts_next(Attempts *attempts, EtlAwsKeys *keys)
{
	const EtlAwsRequest *request = attempts->request;
	bool s3 = strcmp(request->service, "s3") == 0;
	char timestamp[TIMESTAMP_SIZE];
	EtlSigv4Signature signature;
	EtlSigv4Signer signer = {.access_key_id = keys->access_key_id,
							 .secret_access_key = keys->secret_access_key,
							 .session_token = keys->session_token,
							 .region = attempts->region,
							 .service = request->service,
							 .timestamp = timestamp,
							 .encode_path = !s3,
							 .normalize_path = !s3,
							 .key = aws_credentials_signing_key(attempts->credentials)};
	EtlSigv4Request to_sign = {.method = request->method,
							   .path = psprintf("%s%s", attempts->endpoint.path, request->path),
							   .query = request->query,
							   .nquery = request->nquery,
							   .payload_hash = attempts->body_hash,
							   .send_payload_hash = s3};
	EtlHttpField *headers =
		palloc((2 + request->nheaders + lengthof(signature.headers)) * sizeof(EtlHttpField));
	int nheaders = 0;
	char *query = sigv4_query_string(request->query, request->nquery);
	EtlHttp *http;
	EtlError error;

	headers[nheaders++] = (EtlHttpField){"Host", attempts->endpoint.host};
	for (int i = 0; i < request->nheaders; i++)
		headers[nheaders++] = request->headers[i];
	if (s3 && request->server->requester_pays)
		headers[nheaders++] = (EtlHttpField){"x-amz-request-payer", "requester"};
	to_sign.headers = headers;
	to_sign.nheaders = nheaders;
	format_timestamp(timestamp);
	signature.nheaders = 0;
	if (keys->access_key_id != NULL && !sigv4_sign_headers(&signer, &to_sign, &signature, &error))
		etl_error_raise(&error);
	for (int i = 0; i < signature.nheaders; i++)
		headers[nheaders++] = signature.headers[i];
	strlcpy(attempts->access_key_id, keys->access_key_id != NULL ? keys->access_key_id : "",
			sizeof(attempts->access_key_id));
	attempts->has_token = keys->session_token != NULL;
	http = http_start(&(EtlHttpRequest){
		.method = request->method,
		.url = psprintf("%s%s%s%s", attempts->endpoint.base, to_sign.path, *query ? "?" : "", query),
		.headers = headers,
		.nheaders = nheaders,
		.body = request->body,
		.progress = request->progress,
		.timeout_ms = request->timeout_ms,
		.fresh = request->fresh,
		.patience_s = request->may_fail_late ? LATE_PATIENCE_S : 0,
		.buffer = request->buffer,
		.buffer_size = request->buffer_size,
		.guarded = !request->server->trusted});
	aws_keys_wipe(keys); /* one is among the headers until here */
	return http;
}

/* Why this answer isn't what was asked for. */
static void
read_failure(EtlHttp *http, const char *body, size_t size, EtlAwsFailure *failure)
{
	memset(failure, 0, sizeof(*failure));
	failure->status = http_status(http);
	failure->transport = *http_failure(http);
	if (failure->status == 0)
		return;
	failure->transport.sqlstate = 0; /* half an explanation is an answer, too */
	aws_error_parse(body, size, http_header(http, "x-amzn-errortype"), failure);
	aws_error_headers(failure, http_header(http, "x-amz-request-id"), http_header(http, "x-amz-bucket-region"),
					  http_header(http, "Location"));
	aws_error_headers(failure, http_header(http, "x-amzn-requestid"), NULL, NULL);
}

/*
 * Is another attempt worth it, after `attempts` of them? Then in so many milliseconds, and it took so many tokens of the
 * retry quota.
 */
static bool
try_again(EtlAwsFailure *failure, int attempts, int64 retry_after_ms, int *wait_ms, int *taken)
{
	EtlRetryKind kind;

	failure->attempts = attempts;
	if (failure->transport.sqlstate != 0)
		kind = failure->transport.transient ? ETL_RETRY_TRANSIENT : ETL_RETRY_NEVER;
	else /* an error inside of a 200 is what would have been a 500, had S3 known it before */
		kind = retry_kind(failure->status == 200 ? 500 : failure->status, failure->code);
	if (!retry_again(kind, attempts, pg_prng_double(&pg_global_prng_state), retry_after_ms, wait_ms))
		return false;
	*taken = quota_take(failure->transport.host, kind);
	return *taken > 0;
}

bool
aws_resume_wait(EtlAwsResume *resume, EtlAwsFailure *failure)
{
	int wait_ms;

	resume->moved = 0;
	if (!try_again(failure, ++resume->attempts, 0, &wait_ms, &resume->taken))
		return false;
	http_sleep(wait_ms);
	return true;
}

void
aws_resume_moved(EtlAwsResume *resume, const EtlHttp *http, size_t bytes)
{
	resume->moved += bytes;
	if (resume->attempts == 0 || resume->moved < RESUMED_SIZE)
		return;
	quota_succeeded(http_failure(http)->host, resume->taken);
	resume->attempts = resume->taken = 0;
}

/* The bucket is in this region: sign for it, and with AWS's own endpoints go there. */
static void
attempts_set_region(Attempts *attempts, const char *region)
{
	const EtlAwsRequest *request = attempts->request;
	const EtlAwsServer *server = request->server;
	MemoryContext caller = MemoryContextSwitchTo(attempts->context);
	EtlError error;

	strlcpy(attempts->region, region, sizeof(attempts->region));
	if (server->endpoint == NULL &&
		!endpoint_s3(region,
					 &(EtlEndpointOptions){NULL, server->use_fips, server->use_dualstack, server->path_style},
					 request->bucket, &attempts->endpoint, &error))
		etl_error_raise(&error);
	MemoryContextSwitchTo(caller);
}

/* For this request only: S3 knows why. */
static void
attempts_set_host(Attempts *attempts, const char *host)
{
	MemoryContext caller = MemoryContextSwitchTo(attempts->context);
	const char *bucket = attempts->request->bucket;
	size_t length = strlen(bucket);
	bool in_host = strncmp(host, bucket, length) == 0 && host[length] == '.';

	attempts->endpoint.base =
		psprintf("%s%s", strncmp(attempts->endpoint.base, "https:", 6) == 0 ? "https://" : "http://", host);
	attempts->endpoint.host = pstrdup(host);
	attempts->endpoint.path = in_host ? pstrdup("") : psprintf("/%s", bucket);
	MemoryContextSwitchTo(caller);
}

/* S3 has sent us elsewhere: go there. False: it has not, or that is no place to go to. */
static bool
attempts_redirect(Attempts *attempts, const EtlAwsFailure *failure)
{
	const EtlAwsRequest *request = attempts->request;
	const char *custom = request->server->endpoint;
	EtlRedirect redirect;

	if (request->bucket == NULL || attempts->redirects >= MOST_REDIRECTS ||
		!redirect_read(failure, request->bucket, attempts->region, &attempts->endpoint, custom, &redirect))
		return false;
	attempts->redirects++;
	if (redirect.region[0])
		attempts_set_region(attempts, redirect.region);
	if (redirect.host[0])
		attempts_set_host(attempts, redirect.host);
	else
		bucket_region_learn(custom, request->bucket, redirect.region);
	return true;
}

static void
attempts_begin(Attempts *attempts, const EtlAwsRequest *request)
{
	const char *known;
	EtlError error;

	memset(attempts, 0, sizeof(*attempts));
	attempts->request = request;
	attempts->context = CurrentMemoryContext;
	attempts->endpoint = request->endpoint;
	strlcpy(attempts->region, request->server->region, sizeof(attempts->region));
	known = request->bucket != NULL ? bucket_region_get(request->server->endpoint, request->bucket) : NULL;
	if (known != NULL)
		attempts_set_region(attempts, known);
	attempts->credentials =
		request->credentials != NULL ? request->credentials : aws_credentials_get(request->server);
	if (!request->server->trusted && strncmp(request->endpoint.base, "https:", 6) != 0)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("AWS server \"%s\" may use https only", request->server->name),
				errdetail("Its owner is not a superuser."),
				errhint("Give it an https endpoint, or make a superuser its owner."));
	if (request->body_hash != NULL)
		strlcpy(attempts->body_hash, request->body_hash, SIGV4_HEX_SIZE);
	else if (!sigv4_sha256(request->body.data, request->body.size, attempts->body_hash, &error))
		etl_error_raise(&error);
}

/*
 * The keys, which were good when it was signed, are no more: is it worth trying with others? What comes in answer to HEAD has
 * no body, and so no reason.
 */
static bool
renew_keys(const Attempts *attempts, const EtlAwsFailure *failure)
{
	bool unsaid = failure->status == 400 && failure->code[0] == '\0' && failure->region[0] == '\0' &&
				  attempts->has_token && strcmp(attempts->request->method, "HEAD") == 0;

	return (unsaid || aws_error_refuses_keys(failure)) &&
		   aws_credentials_refused(attempts->credentials, attempts->access_key_id);
}

/* This one failed: is another attempt worth it? Then in so many milliseconds. */
static bool
attempts_go_on(Attempts *attempts, const EtlHttp *http, EtlAwsFailure *failure, int *wait_ms)
{
	attempts->failed++;
	*wait_ms = 0;
	if (!attempts->clock_corrected && aws_error_tells_time(failure, http_header(http, "Date"),
														   timestamptz_to_time_t(clock_now()), &clock_offset_s))
		return attempts->clock_corrected = true;
	if (!attempts->keys_renewed && renew_keys(attempts, failure))
		return attempts->keys_renewed = true;
	if (attempts_redirect(attempts, failure))
		return true;
	return try_again(failure, attempts->failed,
					 retry_after(http_header(http, "x-amz-retry-after"), http_header(http, "Retry-After")),
					 wait_ms, &attempts->taken);
}

static void
attempts_succeeded(const Attempts *attempts, const EtlHttp *http)
{
	quota_succeeded(http_failure(http)->host, attempts->taken);
}

struct EtlAwsSending
{
	EtlAwsRequest request;
	Attempts attempts;
	EtlHttp *http; /* the attempt that is under way */
};

static void
sending_next(EtlAwsSending *sending)
{
	EtlAwsKeys keys;

	aws_credentials_wait(sending->attempts.credentials, &keys);
	sending->http = attempts_next(&sending->attempts, &keys);
}

EtlAwsSending *
aws_request_start(const EtlAwsRequest *request)
{
	EtlAwsSending *sending = palloc0(sizeof(EtlAwsSending));

	sending->request = *request;
	attempts_begin(&sending->attempts, &sending->request);
	sending_next(sending);
	return sending;
}

EtlHttp *
aws_request_await(EtlAwsSending *sending, EtlAwsFailure *failure)
{
	for (;;)
	{
		EtlHttp *http = sending->http;
		StringInfoData body;
		bool again;
		int wait_ms;

		http_await(http);
		if (http_status(http) >= 200 && http_status(http) < 300)
		{
			attempts_succeeded(&sending->attempts, http);
			return http;
		}
		initStringInfo(&body);
		if (http_status(http) != 0)
			(void) http_read_all(http, ERROR_BODY_SIZE, &body); /* half an explanation is better than none */
		read_failure(http, body.data, body.len, failure);
		pfree(body.data);
		again = attempts_go_on(&sending->attempts, http, failure, &wait_ms);
		http_close(http);
		if (!again)
			return NULL;
		http_sleep(wait_ms);
		sending_next(sending);
	}
}

EtlHttp *
aws_request_send(const EtlAwsRequest *request, EtlAwsFailure *failure)
{
	return aws_request_await(aws_request_start(request), failure);
}

void
aws_request_raise(const EtlAwsRequest *request, const EtlAwsFailure *failure)
{
	EtlAwsAction action = request->action;
	EtlError error;

	if (request->credentials != NULL)
		action.keys_from = aws_credentials_origin(request->credentials);
	aws_error_describe(failure, &action, &error);
	etl_error_raise(&error);
}

char *
aws_request_presign(const EtlAwsRequest *request, int seconds)
{
	const EtlAwsCredentials *credentials =
		request->credentials != NULL ? request->credentials : aws_credentials_get(request->server);
	char timestamp[TIMESTAMP_SIZE];
	EtlAwsKeys keys;
	EtlHttpField host = {"Host", request->endpoint.host};
	EtlSigv4Signature signature;
	EtlSigv4Signer signer = {
		.region = request->server->region, .service = request->service, .timestamp = timestamp};
	EtlSigv4Request to_sign = {.method = request->method,
							   .path = psprintf("%s%s", request->endpoint.path, request->path),
							   .query = request->query,
							   .nquery = request->nquery,
							   .headers = &host,
							   .nheaders = 1,
							   .payload_hash = SIGV4_UNSIGNED_PAYLOAD};
	EtlError error;

	aws_credentials_wait(credentials, &keys);
	signer.access_key_id = keys.access_key_id;
	signer.secret_access_key = keys.secret_access_key;
	signer.session_token = keys.session_token;
	format_timestamp(timestamp);
	if (!sigv4_sign_query(&signer, &to_sign, seconds, &signature, &error))
		etl_error_raise(&error);
	aws_keys_wipe(&keys);
	return psprintf("%s%s?%s", request->endpoint.base, to_sign.path, signature.query);
}

EtlHttp *
aws_request_send_or_raise(const EtlAwsRequest *request)
{
	EtlAwsFailure failure;
	EtlHttp *http = aws_request_send(request, &failure);

	if (http == NULL)
		aws_request_raise(request, &failure);
	return http;
}

struct EtlAwsFetch
{
	EtlAwsRequest request;
	Attempts attempts;
	size_t limit;
	StringInfo out;
	EtlHttp *http; /* the attempt that goes on; NULL: the next begins at resume_ms */
	int64 resume_ms;
	bool failed; /* for good, as `failure` says */
	EtlAwsFailure failure;
};

EtlAwsFetch *
aws_fetch_start(const EtlAwsRequest *request, size_t limit, StringInfo out)
{
	EtlAwsFetch *fetch = palloc0(sizeof(EtlAwsFetch));

	fetch->request = *request;
	fetch->limit = limit;
	fetch->out = out;
	attempts_begin(&fetch->attempts, &fetch->request);
	return fetch;
}

static bool
body_is_error(const EtlAwsFetch *fetch)
{
	return fetch->request.may_fail_late && aws_error_is_late(fetch->out->data, fetch->out->len);
}

/* The attempt was in vain: is that the end, or is there another? */
static void
fetch_failed(EtlAwsFetch *fetch, bool complete)
{
	const EtlAwsRequest *request = &fetch->request;
	EtlHttp *http = fetch->http;
	EtlAwsFailure failure = {.status = 0};
	int wait_ms;

	if (complete || http_status(http) < 200 || http_status(http) >= 300)
		read_failure(http, fetch->out->data, fetch->out->len, &failure);
	else
		failure.transport = *http_failure(http);
	if (failure.status == 0 && failure.transport.sqlstate == 0)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("could not %s \"%s\": the answer is too long", request->action.doing,
					   request->action.object),
				errdetail("It has more than %zu bytes.", fetch->limit));
	fetch->failed = !attempts_go_on(&fetch->attempts, http, &failure, &wait_ms);
	fetch->failure = failure;
	http_close(http);
	fetch->http = NULL;
	fetch->resume_ms = clock_monotonic_ms() + wait_ms;
}

bool
aws_fetch_try(EtlAwsFetch *fetch, EtlWait *wait)
{
	*wait = ETL_WAIT_NONE;
	while (!fetch->failed)
	{
		bool complete;
		EtlAwsKeys keys;

		if (fetch->http == NULL)
		{
			wait->until_ms = fetch->resume_ms;
			if (clock_monotonic_ms() < fetch->resume_ms ||
				!aws_credentials_poll(fetch->attempts.credentials, &keys, wait))
				return false;
			*wait = ETL_WAIT_NONE;
			resetStringInfo(fetch->out);
			fetch->http = attempts_next(&fetch->attempts, &keys);
		}
		if (!http_collect(fetch->http, fetch->limit, fetch->out, &complete, wait))
			return false;
		if (complete && http_status(fetch->http) >= 200 && http_status(fetch->http) < 300 && !body_is_error(fetch))
		{
			attempts_succeeded(&fetch->attempts, fetch->http);
			return true;
		}
		fetch_failed(fetch, complete);
	}
	return true;
}

bool
aws_fetch_poll(EtlAwsFetch *fetch, EtlWait *wait)
{
	if (!aws_fetch_try(fetch, wait))
		return false;
	if (fetch->failed)
		aws_request_raise(&fetch->request, &fetch->failure);
	return true;
}

const EtlAwsFailure *
aws_fetch_failure(const EtlAwsFetch *fetch)
{
	return fetch->failed ? &fetch->failure : NULL;
}

int
aws_fetch_status(const EtlAwsFetch *fetch)
{
	return http_status(fetch->http);
}

const char *
aws_fetch_header(const EtlAwsFetch *fetch, const char *name)
{
	return http_header(fetch->http, name);
}

void
aws_fetch_abandon(EtlAwsFetch *fetch)
{
	if (fetch->http != NULL)
		http_close(fetch->http);
	fetch->http = NULL;
}

int
aws_fetch_failures(const EtlAwsFetch *fetch)
{
	return fetch->attempts.failed;
}

void
aws_fetch_wait(EtlAwsFetch *fetch)
{
	EtlWait wait;

	while (!aws_fetch_poll(fetch, &wait))
		http_wait(&wait);
}

void
aws_request_fetch(const EtlAwsRequest *request, size_t limit, StringInfo out)
{
	EtlAwsFetch *fetch = aws_fetch_start(request, limit, out);

	aws_fetch_wait(fetch);
	aws_fetch_abandon(fetch);
}
