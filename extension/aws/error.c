/*
 * error.c
 *		AWS's errors as PostgreSQL's. See error.h.
 *
 * Messages come from outside: they are cut to size, made plain ASCII, and where AWS is known to quote the signed
 * request in them (which holds the session token) they are left out.
 */
#include "aws/error.h"

#include "aws/endpoint.h"
#include "aws/json.h"
#include "aws/xml.h"
#include "aws/xml_answer.h"
#include "net/date.h"
#include "net/retry.h"

#define JSON_DEPTH 16
#define LEAST_SKEW_S (4 * 60)	 /* AWS takes what is off by five minutes, or by fifteen */
#define MOST_SKEW_S (366 * 86400) /* with a clock that is off by more no certificate would be good */

/* Printable ASCII only: the text may be in an encoding that the database's can't hold. */
static void
copy_plain(char *to, size_t size, const char *from)
{
	size_t n = 0;

	if (from == NULL)
		return;
	for (; *from && n < size - 1; from++)
		to[n++] = (unsigned char) *from >= 0x80 ? '?' : (unsigned char) *from < 0x20 ? ' ' : *from;
	to[n] = '\0';
}

/* "com.amazonaws.sns#NotFound" and "NotFound:http://internal/" are NotFound. */
static void
copy_code(EtlAwsFailure *failure, const char *code)
{
	const char *hash = code != NULL ? strchr(code, '#') : NULL;

	copy_plain(failure->code, sizeof(failure->code), hash != NULL ? hash + 1 : code);
	failure->code[strcspn(failure->code, ":, ")] = '\0';
}

static void
parse_xml(const char *body, size_t size, EtlAwsFailure *failure)
{
	EtlXml xml;
	EtlError error;
	const char *request_id;

	if (!xml_parse(body, size, &xml, &error))
		return;
	copy_code(failure, xml_text(&xml, 0, "Code"));
	copy_plain(failure->message, sizeof(failure->message), xml_text(&xml, 0, "Message"));
	copy_plain(failure->region, sizeof(failure->region), xml_text(&xml, 0, "Region"));
	copy_plain(failure->endpoint, sizeof(failure->endpoint), xml_text(&xml, 0, "Endpoint"));
	request_id = xml_text(&xml, 0, "RequestId");
	copy_plain(failure->request_id, sizeof(failure->request_id),
			   request_id != NULL ? request_id : xml_text(&xml, 0, "RequestID"));
	xml_free(&xml);
}

static const char *
json_member(json_object *object, const char *name)
{
	json_object *value;

	if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static void
parse_json(const char *body, size_t size, EtlAwsFailure *failure)
{
	bool no_memory;
	json_object *object = aws_json_parse(body, size, JSON_DEPTH, &no_memory);

	if (json_object_is_type(object, json_type_object))
	{
		const char *message = json_member(object, "message");
		const char *code = json_member(object, "__type");

		copy_code(failure, code != NULL ? code : json_member(object, "code"));
		copy_plain(failure->message, sizeof(failure->message),
				   message != NULL ? message : json_member(object, "Message"));
	}
	json_object_put(object);
}

void
aws_error_parse(const char *body, size_t size, const char *errortype, EtlAwsFailure *failure)
{
	size_t start = 0;

	while (start < size && strchr(" \t\r\n", body[start]) != NULL && body[start] != '\0')
		start++;
	if (start < size && body[start] == '<')
		parse_xml(body + start, size - start, failure);
	else if (start < size && body[start] == '{')
		parse_json(body + start, size - start, failure);
	if (failure->code[0] == '\0' && errortype != NULL)
		copy_code(failure, errortype);
	/* These quote what was signed. */
	if (strstr(failure->code, "Signature") != NULL)
		failure->message[0] = '\0';
}

/* Up to the first character that is none of a word. */
static void
copy_word(char *to, size_t size, const char *from)
{
	if (from != NULL && *to == '\0')
		for (size_t i = 0; i < size - 1 && from[i] > ' ' && from[i] < 0x7F; i++)
			to[i] = from[i];
}

void
aws_error_headers(EtlAwsFailure *failure, const char *request_id, const char *region, const char *location)
{
	copy_word(failure->request_id, sizeof(failure->request_id), request_id);
	copy_word(failure->region, sizeof(failure->region), region);
	copy_word(failure->location, sizeof(failure->location), location);
}

bool
aws_error_is_late(const char *body, size_t size)
{
	EtlXml xml;
	EtlError error;

	if (!xml_answer_parse(body, size, "Error", &xml, &error))
		return false;
	xml_free(&xml);
	return true;
}

/* An answer to HEAD has no code. */
static bool
may_be_skewed(const EtlAwsFailure *failure)
{
	static const char *const codes[] = {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture",
										"InvalidSignatureException", "SignatureDoesNotMatch"};

	for (int i = 0; i < lengthof(codes); i++)
		if (strcmp(failure->code, codes[i]) == 0)
			return true;
	return failure->code[0] == '\0' && failure->status == 403;
}

bool
aws_error_tells_time(const EtlAwsFailure *failure, const char *date, int64 now, int64 *offset)
{
	int64 theirs;

	if (!may_be_skewed(failure) || !date_parse_http(date, &theirs) ||
		Abs(theirs - now - *offset) <= LEAST_SKEW_S || Abs(theirs - now) > MOST_SKEW_S)
		return false;
	*offset = theirs - now;
	return true;
}

void
aws_error_set(EtlAwsFailure *failure, const char *code, const char *message)
{
	copy_code(failure, code);
	copy_plain(failure->message, sizeof(failure->message), message);
}

typedef enum Remedy
{
	REMEDY_NONE,
	REMEDY_PERMISSION,
	REMEDY_BUCKET,
	REMEDY_OBJECT,
	REMEDY_KEYS,
	REMEDY_TOKEN,
	REMEDY_CLOCK,
	REMEDY_REGION,
	REMEDY_LATER,
	REMEDY_NETWORK
} Remedy;

typedef struct Meaning
{
	const char *code;
	int sqlstate;
	const char *reason;
	Remedy remedy;
} Meaning;

static const Meaning meanings[] = {
	{"AccessDenied", ERRCODE_INSUFFICIENT_PRIVILEGE, "access denied", REMEDY_PERMISSION},
	{"AccessDeniedException", ERRCODE_INSUFFICIENT_PRIVILEGE, "access denied", REMEDY_PERMISSION},
	{"AuthorizationError", ERRCODE_INSUFFICIENT_PRIVILEGE, "access denied", REMEDY_PERMISSION},
	{"UnauthorizedOperation", ERRCODE_INSUFFICIENT_PRIVILEGE, "access denied", REMEDY_PERMISSION},
	{"KMSAccessDenied", ERRCODE_INSUFFICIENT_PRIVILEGE, "access to its key denied", REMEDY_PERMISSION},
	{"AllAccessDisabled", ERRCODE_INSUFFICIENT_PRIVILEGE, "access denied", REMEDY_NONE},
	{"NoSuchKey", ERRCODE_UNDEFINED_FILE, "no such object", REMEDY_OBJECT},
	{"NoSuchUpload", ERRCODE_T_R_SERIALIZATION_FAILURE, "somebody has ended its upload", REMEDY_NONE},
	{"NoSuchBucket", ERRCODE_UNDEFINED_OBJECT, "no such bucket", REMEDY_BUCKET},
	{"NotFound", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT},
	{"NotFoundException", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT},
	{"ResourceNotFound", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT},
	{"ResourceNotFoundException", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT},
	{"SignatureDoesNotMatch", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the credentials were refused",
	 REMEDY_KEYS},
	{"InvalidSignatureException", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the credentials were refused",
	 REMEDY_KEYS},
	{"IncompleteSignature", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the credentials were refused",
	 REMEDY_KEYS},
	{"InvalidAccessKeyId", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the credentials were refused",
	 REMEDY_KEYS},
	{"InvalidClientTokenId", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the credentials were refused",
	 REMEDY_KEYS},
	{"UnrecognizedClientException", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	 "the credentials were refused", REMEDY_KEYS},
	{"AuthFailure", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the credentials were refused", REMEDY_KEYS},
	{"MissingAuthenticationToken", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	 "the credentials were refused", REMEDY_KEYS},
	{"InvalidToken", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the session token was refused",
	 REMEDY_TOKEN},
	{"ExpiredToken", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the session token has expired",
	 REMEDY_TOKEN},
	{"ExpiredTokenException", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the session token has expired",
	 REMEDY_TOKEN},
	{"InvalidIdentityToken", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the web identity was refused",
	 REMEDY_TOKEN},
	{"RequestTimeTooSkewed", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the clocks disagree",
	 REMEDY_CLOCK},
	{"RequestExpired", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the clocks disagree", REMEDY_CLOCK},
	{"AuthorizationHeaderMalformed", ERRCODE_INVALID_PARAMETER_VALUE, "the region is wrong", REMEDY_REGION},
	{"PermanentRedirect", ERRCODE_INVALID_PARAMETER_VALUE, "the region is wrong", REMEDY_REGION},
	{"TemporaryRedirect", ERRCODE_INVALID_PARAMETER_VALUE, "it is redirected to a host that it may not go to",
	 REMEDY_NONE},
	{"IllegalLocationConstraintException", ERRCODE_INVALID_PARAMETER_VALUE, "the region is wrong",
	 REMEDY_REGION},
	{"PreconditionFailed", ERRCODE_DUPLICATE_FILE, "it exists already", REMEDY_NONE},
	{"EntityTooLarge", ERRCODE_PROGRAM_LIMIT_EXCEEDED, "it is too large", REMEDY_NONE},
};

/* Services have codes of their own for the same: EntityNotFoundException, StateMachineDoesNotExist, … */
typedef struct Part
{
	const char *part;
	int sqlstate;
	const char *reason;
	Remedy remedy;
} Part;

static const Part parts[] = {
	{"NotFound", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT},
	{"DoesNotExist", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT},
	{"NonExistent", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT},
	{"NoSuchEntity", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT},
	{"AlreadyExists", ERRCODE_DUPLICATE_OBJECT, "it exists already", REMEDY_NONE},
	{"ResourceExists", ERRCODE_DUPLICATE_OBJECT, "it exists already", REMEDY_NONE},
	{"AccessDenied", ERRCODE_INSUFFICIENT_PRIVILEGE, "access denied", REMEDY_PERMISSION},
};

/* Without a code of its own the status decides: a HEAD response has no body, a proxy speaks no AWS. */
static Meaning
meaning_of(const EtlAwsFailure *failure)
{
	EtlRetryKind kind = retry_kind(failure->status, failure->code);

	for (int i = 0; i < lengthof(meanings); i++)
		if (strcmp(failure->code, meanings[i].code) == 0)
			return meanings[i];
	for (int i = 0; i < lengthof(parts); i++)
		if (strstr(failure->code, parts[i].part) != NULL && failure->status < 500)
			return (Meaning){"", parts[i].sqlstate, parts[i].reason, parts[i].remedy};
	if (kind == ETL_RETRY_THROTTLED)
		return (Meaning){"", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "too many requests", REMEDY_LATER};
	if (failure->status >= 500 || kind == ETL_RETRY_TRANSIENT)
		return (Meaning){"", ERRCODE_SYSTEM_ERROR, "the service failed", REMEDY_LATER};
	switch (failure->status)
	{
		case 301:
		case 307:
			return (Meaning){"", ERRCODE_INVALID_PARAMETER_VALUE, "the region is wrong", REMEDY_REGION};
		case 401:
		case 403:
			return (Meaning){"", ERRCODE_INSUFFICIENT_PRIVILEGE, "access denied", REMEDY_PERMISSION};
		case 404:
			return (Meaning){"", ERRCODE_UNDEFINED_OBJECT, "it does not exist", REMEDY_OBJECT};
		case 412:
			return (Meaning){"", ERRCODE_DUPLICATE_FILE, "it exists already", REMEDY_NONE};
	}
	return (Meaning){"", ERRCODE_INVALID_PARAMETER_VALUE, "the request was refused", REMEDY_NONE};
}

static void
set_hint(const EtlAwsFailure *failure, const EtlAwsAction *action, Remedy remedy, EtlError *error)
{
	switch (remedy)
	{
		case REMEDY_NONE:
			break;
		case REMEDY_PERMISSION:
			if (strcmp(action->permission, "s3:GetObject") == 0)
				etl_error_hint(
					error,
					"The credentials need the IAM action s3:GetObject on the object. Without "
					"s3:ListBucket on its bucket, S3 gives this answer also when there is no such object.");
			else
				etl_error_hint(error, "The credentials need the IAM action %s on it.", action->permission);
			break;
		case REMEDY_BUCKET:
			etl_error_hint(
				error,
				"Check the bucket's name, and options \"region\" and \"endpoint\" of foreign server \"%s\".",
				action->server);
			break;
		case REMEDY_OBJECT:
			etl_error_hint(
				error,
				"Check the name, letter case included, and option \"region\" of foreign server \"%s\".",
				action->server);
			break;
		case REMEDY_KEYS:
			if (action->keys_from != NULL)
				etl_error_hint(error, "The keys come from %s: check them there.", action->keys_from);
			else
				etl_error_hint(
					error,
					"Check access_key_id and secret_access_key: ALTER USER MAPPING FOR CURRENT_USER SERVER "
				"%s OPTIONS (SET access_key_id '...', SET secret_access_key '...').",
				action->server);
			break;
		case REMEDY_TOKEN:
			if (action->keys_from != NULL)
				etl_error_hint(error, "The keys come from %s: temporary ones must be renewed there.", action->keys_from);
			else
				etl_error_hint(
					error,
					"Temporary credentials need a fresh key pair and session_token: ALTER USER MAPPING FOR "
				"CURRENT_USER SERVER %s OPTIONS (SET session_token '...', ...).",
				action->server);
			break;
		case REMEDY_CLOCK:
			etl_error_hint(error, "Set the clock of the database server's host.");
			break;
		case REMEDY_REGION:
			if (failure->region[0] && endpoint_region_check(failure->region, &(EtlError){0}))
				etl_error_hint(error, "It is in region %s: ALTER SERVER %s OPTIONS (SET region '%s').",
							   failure->region, action->server, failure->region);
			else
				etl_error_hint(error,
							   "Set option \"region\" of foreign server \"%s\" to the region it is in.",
							   action->server);
			break;
		case REMEDY_LATER:
			if (failure->attempts > 1)
				etl_error_hint(error, "It was tried %d times; try again later.", failure->attempts);
			else
				etl_error_hint(error, "Try again later.");
			break;
		case REMEDY_NETWORK:
			etl_error_hint(
				error,
				"Check that the database server can reach it, and options \"endpoint\" and \"region\" of "
				"foreign server \"%s\".",
				action->server);
			break;
	}
}

bool
aws_error_refuses_keys(const EtlAwsFailure *failure)
{
	static const char *const codes[] = {"ExpiredToken",			"ExpiredTokenException", "TokenRefreshRequired",
										"RequestExpired",		"InvalidToken",			 "InvalidAccessKeyId",
										"InvalidClientTokenId", "UnrecognizedClientException"};

	for (int i = 0; i < lengthof(codes); i++)
		if (strcmp(failure->code, codes[i]) == 0)
			return true;
	return false;
}

/* Something of a request that is secret, or is good for as long as the request is. */
static bool
quotes_request(const char *message)
{
	return strstr(message, "AWS4-HMAC-SHA256") != NULL || strcasestr(message, "Signature=") != NULL ||
		   strcasestr(message, "X-Amz-Security-Token") != NULL;
}

void
aws_error_describe(const EtlAwsFailure *failure, const EtlAwsAction *action, EtlError *error)
{
	Meaning meaning;
	StringInfoData detail;

	if (failure->transport.sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE)
	{
		etl_error_set(error, ERRCODE_INSUFFICIENT_PRIVILEGE,
					  "could not %s \"%s\": the address is not allowed", action->doing, action->object);
		etl_error_detail(error, "The request was not sent: %s.", failure->transport.reason);
		etl_error_hint(error, "Give foreign server \"%s\" a public endpoint, or make a superuser its owner.",
					   action->server);
		return;
	}
	if (failure->transport.sqlstate != 0)
	{
		etl_error_set(error, failure->transport.sqlstate, "could not %s \"%s\": no answer", action->doing,
					  action->object);
		etl_error_detail(error, "The request failed: %s.", failure->transport.reason);
		set_hint(failure, action, REMEDY_NETWORK, error);
		return;
	}
	meaning = meaning_of(failure);
	etl_error_set(error, meaning.sqlstate, "could not %s \"%s\": %s", action->doing, action->object,
				  meaning.reason);

	initStringInfo(&detail);
	if (failure->code[0])
	{
		bool shown = failure->message[0] && !quotes_request(failure->message);

		appendStringInfo(&detail, "AWS said %s%s%s; ", failure->code, shown ? ": " : "",
						 shown ? failure->message : "");
	}
	appendStringInfo(&detail, "HTTP status %d, ", failure->status);
	if (failure->request_id[0])
		appendStringInfo(&detail, "request id %s.", failure->request_id);
	else
		appendStringInfoString(&detail, "no request id.");
	etl_error_detail(error, "%s", detail.data);
	pfree(detail.data);
	set_hint(failure, action, meaning.remedy, error);
}
