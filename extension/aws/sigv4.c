/*
 * sigv4.c
 *		AWS Signature Version 4. See sigv4.h.
 *
 * A request is written in one canonical form (method, path, sorted query, sorted headers, hash of the body), its hash
 * goes into a short "string to sign" with the time and scope, and that is signed with a key derived from the secret
 * by day, region and service. The server does the same and compares, so a byte of difference anywhere is a refusal;
 * this file decides no more than those bytes.
 */
#include "aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SHA256_SIZE 32
#define ALGORITHM "AWS4-HMAC-SHA256"
#define DAY_SIZE 8 /* the date part of a timestamp */
#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
hex_encode(const unsigned char *bytes, char hex[SIGV4_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < SHA256_SIZE; i++)
	{
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 0x0F];
	}
	hex[2 * SHA256_SIZE] = '\0';
}

bool
sigv4_sha256(const void *data, size_t size, char hex[SIGV4_HEX_SIZE], EtlError *error)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (size == 0) /* as most requests are */
	{
		memcpy(hex, HASH_OF_NOTHING, SIGV4_HEX_SIZE);
		return true;
	}
	if (!EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL))
		return etl_error_set(error, ERRCODE_INTERNAL_ERROR, "could not compute a SHA-256 hash");
	hex_encode(digest, hex);
	return true;
}

static bool
hmac(const void *key, size_t key_size, const char *text, unsigned char out[SHA256_SIZE])
{
	return HMAC(EVP_sha256(), key, (int) key_size, (const unsigned char *) text, strlen(text), out, NULL) !=
		   NULL;
}

void
sigv4_encode(StringInfo out, const char *text, bool keep_slash)
{
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
	{
		if ((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
			strchr("-._~", *c) != NULL || (keep_slash && *c == '/'))
			appendStringInfoChar(out, (char) *c);
		else
			appendStringInfo(out, "%%%02X", *c);
	}
}

/* A name and a value ready for sorting. `position` keeps what sorts alike in the order it came in. */
typedef struct Pair
{
	char *name;
	char *value;
	int position;
} Pair;

static int
compare_query(const void *a, const void *b)
{
	const Pair *x = a;
	const Pair *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->value, y->value);
}

static int
compare_headers(const void *a, const void *b)
{
	const Pair *x = a;
	const Pair *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : x->position - y->position;
}

static char *
encoded(const char *text)
{
	StringInfoData buf;

	initStringInfo(&buf);
	sigv4_encode(&buf, text, false);
	return buf.data;
}

char *
sigv4_query_string(const EtlHttpField *query, int nquery)
{
	Pair *pairs = palloc0((nquery + 1) * sizeof(Pair));
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < nquery; i++)
	{
		pairs[i].name = encoded(query[i].name);
		pairs[i].value = encoded(query[i].value);
	}
	qsort(pairs, nquery, sizeof(Pair), compare_query);
	for (int i = 0; i < nquery; i++)
	{
		appendStringInfo(&out, "%s%s=%s", i > 0 ? "&" : "", pairs[i].name, pairs[i].value);
		pfree(pairs[i].name);
		pfree(pairs[i].value);
	}
	pfree(pairs);
	return out.data;
}

/* Resolve "." and ".." and drop empty segments, as RFC 3986 §5.2.4 does; a trailing slash stays. */
static char *
normalized_path(const char *path)
{
	StringInfoData out;
	bool trailing_slash = false;

	initStringInfo(&out);
	for (const char *segment = path; *segment;)
	{
		size_t length = strcspn(segment, "/");

		if (length == 2 && strncmp(segment, "..", 2) == 0)
		{
			while (out.len > 0 && out.data[--out.len] != '/')
				;
			out.data[out.len] = '\0';
		}
		else if (length > 0 && !(length == 1 && *segment == '.'))
		{
			appendStringInfoChar(&out, '/');
			appendBinaryStringInfo(&out, segment, (int) length);
		}
		segment += length;
		trailing_slash = *segment == '/';
		if (trailing_slash)
			segment++;
	}
	if (out.len == 0 || trailing_slash)
		appendStringInfoChar(&out, '/');
	return out.data;
}

static void
append_path(StringInfo out, const EtlSigv4Signer *signer, const char *path)
{
	char *normalized = signer->normalize_path ? normalized_path(path) : pstrdup(*path ? path : "/");

	if (signer->encode_path)
		sigv4_encode(out, normalized, true);
	else
		appendStringInfoString(out, normalized);
	pfree(normalized);
}

static char *
lower_case(const char *text)
{
	char *copy = pstrdup(text);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return copy;
}

/* Without blanks at its ends, each run of them inside as one. */
static char *
trimmed(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*(text += strspn(text, " \t\r\n")))
	{
		size_t length = strcspn(text, " \t\r\n");

		if (out.len > 0)
			appendStringInfoChar(&out, ' ');
		appendBinaryStringInfo(&out, text, (int) length);
		text += length;
	}
	return out.data;
}

static Pair *
sorted_headers(const EtlHttpField *headers, int nheaders)
{
	Pair *pairs = palloc0((nheaders + 1) * sizeof(Pair));

	for (int i = 0; i < nheaders; i++)
	{
		pairs[i].name = lower_case(headers[i].name);
		pairs[i].value = trimmed(headers[i].value);
		pairs[i].position = i;
	}
	qsort(pairs, nheaders, sizeof(Pair), compare_headers);
	return pairs;
}

/* Sorted pairs as "name:value\n"; a name that comes again adds its value after a comma. */
static void
append_headers(StringInfo out, const Pair *pairs, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (i > 0 && strcmp(pairs[i].name, pairs[i - 1].name) == 0)
			appendStringInfo(out, ",%s", pairs[i].value);
		else
			appendStringInfo(out, "%s%s:%s", i > 0 ? "\n" : "", pairs[i].name, pairs[i].value);
	}
	if (count > 0)
		appendStringInfoChar(out, '\n');
}

static char *
signed_names(const Pair *pairs, int count)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < count; i++)
		if (i == 0 || strcmp(pairs[i].name, pairs[i - 1].name) != 0)
			appendStringInfo(&out, "%s%s", i > 0 ? ";" : "", pairs[i].name);
	return out.data;
}

static char *
credential_scope(const EtlSigv4Signer *signer)
{
	return psprintf("%.*s/%s/%s/aws4_request", DAY_SIZE, signer->timestamp, signer->region, signer->service);
}

/* The signing key is the secret, keyed in turn by day, region and service. */
static bool
make_key(const EtlSigv4Signer *signer, const char *day, unsigned char key[SHA256_SIZE])
{
	char *secret = psprintf("AWS4%s", signer->secret_access_key);
	bool ok = hmac(secret, strlen(secret), day, key) && hmac(key, SHA256_SIZE, signer->region, key) &&
			  hmac(key, SHA256_SIZE, signer->service, key) && hmac(key, SHA256_SIZE, "aws4_request", key);

	OPENSSL_cleanse(secret, strlen(secret));
	pfree(secret);
	return ok;
}

/* The same, from where it is kept if it is. What is too long to be kept is made each time. */
static bool
find_key(const EtlSigv4Signer *signer, unsigned char key[SHA256_SIZE])
{
	EtlSigv4Key *kept = signer->key;
	char day[DAY_SIZE + 1];

	strlcpy(day, signer->timestamp, sizeof(day));
	if (kept == NULL || strlen(signer->secret_access_key) >= sizeof(kept->secret) ||
		strlen(signer->region) >= sizeof(kept->region) || strlen(signer->service) >= sizeof(kept->service))
		return make_key(signer, day, key);
	if (strcmp(kept->day, day) != 0 || strcmp(kept->region, signer->region) != 0 ||
		strcmp(kept->service, signer->service) != 0 || strcmp(kept->secret, signer->secret_access_key) != 0)
	{
		kept->day[0] = '\0'; /* nothing, should it fail */
		if (!make_key(signer, day, kept->key))
			return false;
		strlcpy(kept->secret, signer->secret_access_key, sizeof(kept->secret));
		strlcpy(kept->region, signer->region, sizeof(kept->region));
		strlcpy(kept->service, signer->service, sizeof(kept->service));
		strlcpy(kept->day, day, sizeof(kept->day));
	}
	memcpy(key, kept->key, SHA256_SIZE);
	return true;
}

static bool
sign_string(const EtlSigv4Signer *signer, const char *string_to_sign, char signature[SIGV4_HEX_SIZE])
{
	unsigned char key[SHA256_SIZE];
	bool ok = find_key(signer, key) && hmac(key, sizeof(key), string_to_sign, key);

	if (ok)
		hex_encode(key, signature);
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

static bool
sign_canonical(const EtlSigv4Signer *signer, const EtlSigv4Request *request, const char *query,
			   const Pair *headers, int nheaders, const char *names, EtlSigv4Signature *out, EtlError *error)
{
	StringInfoData canonical;
	char hash[SIGV4_HEX_SIZE];

	initStringInfo(&canonical);
	appendStringInfo(&canonical, "%s\n", request->method);
	append_path(&canonical, signer, request->path);
	appendStringInfo(&canonical, "\n%s\n", query);
	append_headers(&canonical, headers, nheaders);
	appendStringInfo(&canonical, "\n%s\n%s", names, request->payload_hash);
	out->canonical_request = canonical.data;

	if (!sigv4_sha256(canonical.data, canonical.len, hash, error))
		return false;
	out->string_to_sign =
		psprintf(ALGORITHM "\n%s\n%s\n%s", signer->timestamp, credential_scope(signer), hash);
	if (!sign_string(signer, out->string_to_sign, out->signature))
		return etl_error_set(error, ERRCODE_INTERNAL_ERROR, "could not compute an HMAC");
	return true;
}

bool
sigv4_sign_headers(const EtlSigv4Signer *signer, const EtlSigv4Request *request, EtlSigv4Signature *out,
				   EtlError *error)
{
	EtlHttpField *headers = palloc((request->nheaders + lengthof(out->headers)) * sizeof(EtlHttpField));
	int nheaders = request->nheaders;
	Pair *pairs;
	char *names;

	memset(out, 0, sizeof(*out));
	out->headers[out->nheaders++] = (EtlHttpField){"X-Amz-Date", signer->timestamp};
	if (signer->session_token != NULL)
		out->headers[out->nheaders++] = (EtlHttpField){"X-Amz-Security-Token", signer->session_token};
	if (request->send_payload_hash)
		out->headers[out->nheaders++] = (EtlHttpField){"X-Amz-Content-Sha256", request->payload_hash};

	if (request->nheaders > 0)
		memcpy(headers, request->headers, request->nheaders * sizeof(EtlHttpField));
	memcpy(headers + nheaders, out->headers, out->nheaders * sizeof(EtlHttpField));
	nheaders += out->nheaders;
	pairs = sorted_headers(headers, nheaders);
	names = signed_names(pairs, nheaders);

	if (!sign_canonical(signer, request, sigv4_query_string(request->query, request->nquery), pairs, nheaders,
						names, out, error))
		return false;
	out->headers[out->nheaders++] = (EtlHttpField){
		"Authorization", psprintf(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
								  signer->access_key_id, credential_scope(signer), names, out->signature)};
	return true;
}

bool
sigv4_sign_query(const EtlSigv4Signer *signer, const EtlSigv4Request *request, int expires,
				 EtlSigv4Signature *out, EtlError *error)
{
	EtlHttpField *query = palloc((request->nquery + 6) * sizeof(EtlHttpField));
	int nquery = request->nquery;
	Pair *pairs = sorted_headers(request->headers, request->nheaders);
	char *names = signed_names(pairs, request->nheaders);
	char *canonical_query;

	memset(out, 0, sizeof(*out));
	if (request->nquery > 0)
		memcpy(query, request->query, request->nquery * sizeof(EtlHttpField));
	query[nquery++] = (EtlHttpField){"X-Amz-Algorithm", ALGORITHM};
	query[nquery++] = (EtlHttpField){"X-Amz-Credential",
									 psprintf("%s/%s", signer->access_key_id, credential_scope(signer))};
	query[nquery++] = (EtlHttpField){"X-Amz-Date", signer->timestamp};
	query[nquery++] = (EtlHttpField){"X-Amz-Expires", psprintf("%d", expires)};
	query[nquery++] = (EtlHttpField){"X-Amz-SignedHeaders", names};
	if (signer->session_token != NULL)
		query[nquery++] = (EtlHttpField){"X-Amz-Security-Token", signer->session_token};

	canonical_query = sigv4_query_string(query, nquery);
	if (!sign_canonical(signer, request, canonical_query, pairs, request->nheaders, names, out, error))
		return false;
	out->query = psprintf("%s&X-Amz-Signature=%s", canonical_query, out->signature);
	return true;
}
