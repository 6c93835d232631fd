/*
 * sigv4_test.c
 *		The published Signature V4 vectors (shared/vectors/sigv4), each in its header and its query form.
 *
 * The folder is $ETL_SHARED/vectors/sigv4, ETL_SHARED being ../shared unless set. Without it the test is skipped.
 */
#include "aws/sigv4.h"

#include <dirent.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#define CASES 38
#define MAX_FIELDS 32

typedef struct Case
{
	const char *name;
	EtlSigv4Signer signer;
	EtlSigv4Request request;
	EtlHttpField headers[MAX_FIELDS];
	EtlHttpField query[MAX_FIELDS];
	char payload_hash[SIGV4_HEX_SIZE];
	int expires;
	bool omit_token;
	const char *token;
} Case;

static char *
read_file(const char *folder, const char *name, const char *file)
{
	char path[MAXPGPATH];
	FILE *f;
	StringInfoData text;
	char buf[4096];
	size_t n;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("could not open %s", path);
	initStringInfo(&text);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		appendBinaryStringInfo(&text, buf, n);
	fclose(f);
	return text.data;
}

static const char *
member(json_object *object, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : NULL;
}

static bool
member_true(json_object *object, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(object, name, &value) && json_object_get_boolean(value);
}

static char *
percent_decode(const char *text)
{
	char *out = pstrdup(text);
	char *to = out;

	for (const char *from = text; *from; from++)
	{
		unsigned int byte;

		if (*from == '%' && sscanf(from + 1, "%2x", &byte) == 1)
		{
			*to++ = (char) byte;
			from += 2;
		}
		else
			*to++ = *from;
	}
	*to = '\0';
	return out;
}

/* "GET /path?query HTTP/1.1", headers (continued on lines that start with a blank), a blank line, the body */
static void
parse_request(Case *c, char *text)
{
	char *body = strstr(text, "\n\n");
	char *line;
	char *path;
	char *query;
	char *rest;

	if (body != NULL)
	{
		*body = '\0';
		body += 2;
	}
	else
		body = "";
	assert_true(sigv4_sha256(body, strlen(body), c->payload_hash, &(EtlError){0}));

	line = strtok_r(text, "\n", &rest);
	path = strchr(line, ' ');
	*path++ = '\0';
	*strstr(path, " HTTP/1.1") = '\0';
	c->request.method = line;
	c->request.path = path;
	query = strchr(path, '?');
	if (query != NULL)
	{
		char *next;

		*query++ = '\0';
		for (char *pair = strtok_r(query, "&", &next); pair != NULL; pair = strtok_r(NULL, "&", &next))
		{
			char *value = strchr(pair, '=');

			assert_true(c->request.nquery < MAX_FIELDS);
			if (value != NULL)
				*value++ = '\0';
			c->query[c->request.nquery++] =
				(EtlHttpField){percent_decode(pair), percent_decode(value != NULL ? value : "")};
		}
	}
	while ((line = strtok_r(NULL, "\n", &rest)) != NULL)
	{
		if (*line == ' ')
		{
			EtlHttpField *last = &c->headers[c->request.nheaders - 1];

			last->value = psprintf("%s\n%s", last->value, line);
		}
		else
		{
			char *value = strchr(line, ':');

			assert_true(c->request.nheaders < MAX_FIELDS);
			*value++ = '\0';
			c->headers[c->request.nheaders++] = (EtlHttpField){line, value};
		}
	}
	c->request.headers = c->headers;
	c->request.query = c->query;
	c->request.payload_hash = c->payload_hash;
}

static void
parse_context(Case *c, const char *text)
{
	json_object *context = json_tokener_parse(text);
	json_object *credentials;
	char *t;

	assert_non_null(context);
	assert_true(json_object_object_get_ex(context, "credentials", &credentials));
	c->signer.access_key_id = member(credentials, "access_key_id");
	c->signer.secret_access_key = member(credentials, "secret_access_key");
	/* "omit": the token is added after signing, which to the signer is no token */
	if (!member_true(context, "omit_session_token"))
		c->signer.session_token = member(credentials, "token");
	c->signer.region = member(context, "region");
	c->signer.service = member(context, "service");
	c->signer.encode_path = true;
	c->signer.normalize_path = member_true(context, "normalize");
	c->request.send_payload_hash = member_true(context, "sign_body");
	c->expires = atoi(member(context, "expiration_in_seconds"));

	/* 2015-08-30T12:36:00Z → 20150830T123600Z */
	c->signer.timestamp = t = palloc0(32);
	for (const char *from = member(context, "timestamp"); *from; from++)
		if (*from != '-' && *from != ':')
			*t++ = *from;
}

static void
expect(const char *folder, const Case *c, const char *form, const EtlSigv4Signature *signature)
{
	char file[64];

	print_message("%s %s\n", c->name, form);
	snprintf(file, sizeof(file), "%s-canonical-request.txt", form);
	assert_string_equal(signature->canonical_request, read_file(folder, c->name, file));
	snprintf(file, sizeof(file), "%s-string-to-sign.txt", form);
	assert_string_equal(signature->string_to_sign, read_file(folder, c->name, file));
	snprintf(file, sizeof(file), "%s-signature.txt", form);
	assert_string_equal(signature->signature, read_file(folder, c->name, file));
}

static void
run_case(const char *folder, const char *name)
{
	Case c = {.name = name};
	EtlSigv4Signature signature;
	EtlError error;

	parse_context(&c, read_file(folder, name, "context.json"));
	parse_request(&c, read_file(folder, name, "request.txt"));

	assert_true(sigv4_sign_headers(&c.signer, &c.request, &signature, &error));
	expect(folder, &c, "header", &signature);
	assert_non_null(strstr(read_file(folder, name, "header-signed-request.txt"),
						   signature.headers[signature.nheaders - 1].value));

	assert_true(sigv4_sign_query(&c.signer, &c.request, c.expires, &signature, &error));
	expect(folder, &c, "query", &signature);
}

static void
test_vectors(void **state)
{
	char folder[MAXPGPATH];
	const char *shared = getenv("ETL_SHARED");
	DIR *dir;
	struct dirent *entry;
	int cases = 0;

	snprintf(folder, sizeof(folder), "%s/vectors/sigv4", shared != NULL ? shared : "../shared");
	dir = opendir(folder);
	if (dir == NULL)
	{
		print_message("SKIPPED: no Signature V4 vectors in %s (set ETL_SHARED)\n", folder);
		skip();
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
		{
			run_case(folder, entry->d_name);
			cases++;
		}
	closedir(dir);
	assert_int_equal(cases, CASES);
}

/* S3's own example: the path as it is, the payload's hash as a header. */
static void
test_s3(void **state)
{
	EtlHttpField headers[] = {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}};
	EtlSigv4Signer signer = {"AKIAIOSFODNN7EXAMPLE",
							 "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
							 NULL,
							 "us-east-1",
							 "s3",
							 "20130524T000000Z",
							 false,
							 false};
	EtlSigv4Request request = {"GET",
							   "/test.txt",
							   NULL,
							   0,
							   headers,
							   lengthof(headers),
							   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
							   true};
	EtlSigv4Signature signature;

	assert_true(sigv4_sign_headers(&signer, &request, &signature, &(EtlError){0}));
	assert_string_equal(signature.signature,
						"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

	request.path = "/a//b/../c%3Dd";
	assert_true(sigv4_sign_headers(&signer, &request, &signature, &(EtlError){0}));
	assert_memory_equal(signature.canonical_request, "GET\n/a//b/../c%3Dd\n", 19);
}

static void
test_encode(void **state)
{
	StringInfoData out;

	initStringInfo(&out);
	sigv4_encode(&out, "year=2016/a b+\xC3\xA9~", true);
	assert_string_equal(out.data, "year%3D2016/a%20b%2B%C3%A9~");
	resetStringInfo(&out);
	sigv4_encode(&out, "a/b", false);
	assert_string_equal(out.data, "a%2Fb");
}

/* A signature is the same whether the key that goes into it was kept, and whatever that was kept of. */
static void
test_kept_key(void **state)
{
	static const char *const secrets[] = {"one", "one", "two"};
	static const char *const timestamps[] = {"20150830T123600Z", "20150830T235959Z", "20150831T000000Z"};
	static const char *const regions[] = {"us-east-1", "eu-central-1"};
	static const char *const services[] = {"s3", "sqs"};
	char long_secret[200];
	EtlSigv4Key kept = {{0}};

	memset(long_secret, 'x', sizeof(long_secret) - 1);
	long_secret[sizeof(long_secret) - 1] = '\0';
	for (int i = 0; i < 72; i++)
	{
		EtlSigv4Signer signer = {.access_key_id = "AKID",
								 .secret_access_key = i % 4 == 3 ? long_secret : secrets[i % 4],
								 .timestamp = timestamps[i / 4 % 3],
								 .region = regions[i / 12 % 2],
								 .service = services[i / 24 % 2]};
		EtlSigv4Request request = {.method = "GET", .path = "/", .payload_hash = SIGV4_UNSIGNED_PAYLOAD};
		EtlSigv4Signature expected;
		EtlSigv4Signature signature;
		EtlError error;

		assert_true(sigv4_sign_headers(&signer, &request, &expected, &error));
		signer.key = &kept;
		for (int again = 0; again < 2; again++)
		{
			assert_true(sigv4_sign_headers(&signer, &request, &signature, &error));
			assert_string_equal(signature.signature, expected.signature);
		}
		if (i % 4 != 3)
			assert_string_equal(kept.secret, signer.secret_access_key);
	}
}

static void
test_hash(void **state)
{
	char hex[SIGV4_HEX_SIZE];
	EtlError error;

	assert_true(sigv4_sha256("", 0, hex, &error));
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_true(sigv4_sha256("abc", 3, hex, &error));
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_s3),
									   cmocka_unit_test(test_encode), cmocka_unit_test(test_kept_key),
									   cmocka_unit_test(test_hash)};

	return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
