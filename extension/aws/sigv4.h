/*
 * sigv4.h
 *		AWS Signature Version 4: pure, so that the published vectors can be run against it.
 *
 * Nothing here reads a clock, a setting or an environment. The path is what goes on the wire; S3 signs it as it is,
 * every other service encodes it once more and resolves dots and double slashes.
 */
#ifndef ETL_AWS_SIGV4_H
#define ETL_AWS_SIGV4_H

#include "base/error.h"
#include "net/http.h"

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SIGV4_HEX_SIZE 65 /* a SHA-256 in hex, and its NUL */

/*
 * The signing key that was used last: what comes next is signed, as a rule, by the same secret for the same service on the
 * same day, and then four of five hashes are saved. All zero: none. It is as secret as the secret that is in it.
 */
typedef struct EtlSigv4Key
{
	char day[9];
	char region[64];
	char service[32];
	char secret[128];
	unsigned char key[32];
} EtlSigv4Key;

typedef struct EtlSigv4Signer
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* NULL: none */
	const char *region;
	const char *service;
	const char *timestamp; /* 20150830T123600Z */
	bool encode_path; /* false for S3 */
	bool normalize_path; /* false for S3 */
	EtlSigv4Key *key;	 /* NULL: none is kept */
} EtlSigv4Signer;

typedef struct EtlSigv4Request
{
	const char *method;
	const char *path;
	const EtlHttpField *query; /* not encoded; in any order */
	int nquery;
	const EtlHttpField *headers; /* all that are to be signed, Host among them */
	int nheaders;
	const char *payload_hash; /* hex SHA-256 of the body, or SIGV4_UNSIGNED_PAYLOAD */
	bool send_payload_hash; /* as x-amz-content-sha256, which S3 demands */
} EtlSigv4Request;

typedef struct EtlSigv4Signature
{
	char *canonical_request; /* for tests; may hold the session token, so never for logs */
	char *string_to_sign;
	char signature[SIGV4_HEX_SIZE];
	EtlHttpField headers[4]; /* header form: what the request is to carry besides the signed ones */
	int nheaders;
	char *query; /* query form: the encoded query string, complete with the signature */
} EtlSigv4Signature;

/* Sign with an Authorization header. False (with `error` filled) only when OpenSSL fails. */
extern bool sigv4_sign_headers(const EtlSigv4Signer *signer, const EtlSigv4Request *request,
							   EtlSigv4Signature *out, EtlError *error);
/* Sign in the query string, for a URL that is good for `expires` seconds. */
extern bool sigv4_sign_query(const EtlSigv4Signer *signer, const EtlSigv4Request *request, int expires,
							 EtlSigv4Signature *out, EtlError *error);

/* Append text percent-encoded as RFC 3986 has it; slashes stay when keep_slash. */
extern void sigv4_encode(StringInfo out, const char *text, bool keep_slash);
/* The encoded query string, sorted: "" for no parameter. */
extern char *sigv4_query_string(const EtlHttpField *query, int nquery);
/* Hex SHA-256 of data. */
extern bool sigv4_sha256(const void *data, size_t size, char hex[SIGV4_HEX_SIZE], EtlError *error);

#endif
