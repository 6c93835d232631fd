/*
 * allocation_test.c
 *		Everything that is pure in aws, net, store and remote with its first allocation failing, its second, and so on until none does:
 *		it raises or says that there is no memory, or does without; leaks nothing, crashes never, and is never wrong.
 */
#include "failing_memory.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <expat.h>

#include "aws/credentials_answer.h"
#include "aws/checksum.h"
#include "aws/container_uri.h"
#include "aws/endpoint.h"
#include "aws/error.h"
#include "aws/keys.h"
#include "aws/profile_file.h"
#include "aws/protocol.h"
#include "aws/s3_answer.h"
#include "aws/s3_write_answer.h"
#include "aws/secret_answer.h"
#include "aws/sigv4.h"
#include "aws/sns_answer.h"
#include "aws/sts_answer.h"
#include "aws/xml.h"
#include "remote/secret_value.h"
#include "store/coder.h"
#include "store/glob.h"
#include "store/uri.h"

/* The linker has these called in place of expat's: its callbacks may not raise. */
extern enum XML_Status __real_XML_Parse(XML_Parser parser, const char *text, int length, int last);
extern enum XML_Status __wrap_XML_Parse(XML_Parser parser, const char *text, int length, int last);

enum XML_Status
__wrap_XML_Parse(XML_Parser parser, const char *text, int length, int last)
{
	enum XML_Status status;

	memory_in_library++;
	status = __real_XML_Parse(parser, text, length, last);
	memory_in_library--;
	return status;
}

typedef enum Outcome
{
	RIGHT,
	REFUSED, /* with an error that is filled */
	WRONG
} Outcome;

#define CHECK(condition) ((condition) ? RIGHT : WRONG)

typedef struct Case
{
	const char *name;
	Outcome (*run)(EtlError *error);
	bool any_error; /* OpenSSL and json-c don't say that it was memory */
	int leaves;		/* OpenSSL 3.0 loses a malloc when fetching an algorithm fails */
} Case;

/* The first time it is computed no allocation fails. */
static Outcome
check_signature(const EtlSigv4Signature *signature, char expected[SIGV4_HEX_SIZE])
{
	if (expected[0] == '\0')
		strcpy(expected, signature->signature);
	return CHECK(strcmp(signature->signature, expected) == 0);
}

static Outcome
run_sign_headers(EtlError *error)
{
	EtlHttpField headers[] = {{"Host", "h"}, {"X-A", " a  b "}};
	EtlHttpField query[] = {{"prefix", "a b"}, {"list-type", "2"}};
	EtlSigv4Signer signer = {"AKIA", "secret", "token", "us-east-1", "sns", "20150830T123600Z", true, true};
	EtlSigv4Request request = {"GET", "/a/../b", query, 2, headers, 2, SIGV4_UNSIGNED_PAYLOAD, true};
	static char expected[SIGV4_HEX_SIZE];
	EtlSigv4Signature signature;

	if (!sigv4_sign_headers(&signer, &request, &signature, error))
		return REFUSED;
	return check_signature(&signature, expected);
}

static Outcome
run_sign_query(EtlError *error)
{
	EtlHttpField header = {"Host", "h"};
	EtlSigv4Signer signer = {"AKIA", "secret", "token", "us-east-1", "s3", "20150830T123600Z", false, false};
	EtlSigv4Request request = {"GET", "/a", NULL, 0, &header, 1, SIGV4_UNSIGNED_PAYLOAD, false};
	static char expected[SIGV4_HEX_SIZE];
	EtlSigv4Signature signature;

	if (!sigv4_sign_query(&signer, &request, 60, &signature, error))
		return REFUSED;
	return check_signature(&signature, expected);
}

static Outcome
run_sha256(EtlError *error)
{
	char hex[SIGV4_HEX_SIZE];

	if (!sigv4_sha256("abc", 3, hex, error))
		return REFUSED;
	return CHECK(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
}

static Outcome
run_xml(EtlError *error)
{
	static const char text[] =
		"<?xml version=\"1.0\"?><R xmlns=\"http://s3\"><C a='1'><K>a&amp;b</K></C><T/></R>";
	EtlXml xml;
	Outcome outcome;

	if (!xml_parse(text, strlen(text), &xml, error))
		return REFUSED;
	outcome = CHECK(xml.count == 4 && strcmp(xml_text(&xml, 0, "K"), "a&b") == 0);
	xml_free(&xml);
	return outcome;
}

static Outcome
run_listing(EtlError *error)
{
	static const char text[] = "<R><EncodingType>url</EncodingType><IsTruncated>true</"
							   "IsTruncated><NextContinuationToken>t</NextContinuationToken>"
							   "<Contents><Key>a%20b</Key><Size>1</Size><ETag>\"e\"</ETag></"
							   "Contents><CommonPrefixes><Prefix>a/</Prefix>"
							   "</CommonPrefixes></R>";
	EtlXml xml;
	EtlS3Page page;
	EtlS3Marker marker;

	if (!xml_parse(text, strlen(text), &xml, error) || !s3_page_parse(&xml, &page, error) ||
		!s3_marker_parse(&xml, false, &marker, error))
		return REFUSED;
	return CHECK(page.count == 2 && strcmp(page.objects[0].key, "a b") == 0 &&
				 strcmp(page.objects[1].key, "a/") == 0 && strcmp(marker.token, s3_token_guess(text)) == 0);
}

static Outcome
run_checksum(EtlError *error)
{
	EtlChecksum checksum;
	char text[ETL_CHECKSUM_BASE64_SIZE];
	bool good;

	if (!checksum_begin(&checksum, ETL_CHECKSUM_SHA1))
		return coder_out_of_memory(error) ? WRONG : REFUSED;
	checksum_update(&checksum, "abc", 3);
	good = checksum_base64(&checksum, text);
	checksum_end(&checksum);
	if (!good)
		return coder_out_of_memory(error) ? WRONG : REFUSED;
	return CHECK(strcmp(text, "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=") == 0);
}

/* It has no error of its own: what it can't find out it leaves empty. */
static Outcome
run_error(const char *body, const char *code, const char *message)
{
	EtlAwsFailure failure = {.status = 404};

	aws_error_parse(body, strlen(body), NULL, &failure);
	return CHECK((failure.code[0] == '\0' || strcmp(failure.code, code) == 0) &&
				 (failure.message[0] == '\0' || strcmp(failure.message, message) == 0));
}

static Outcome
run_error_xml(EtlError *error)
{
	return run_error("<Error><Code>NoSuchKey</Code><Message>It isn't there.</Message></Error>", "NoSuchKey",
					 "It isn't there.");
}

static Outcome
run_error_json(EtlError *error)
{
	return run_error("{\"__type\": \"com.amazonaws#NotFoundException\", \"message\": \"No topic.\"}",
					 "NotFoundException", "No topic.");
}

static Outcome
run_secret(EtlError *error)
{
	static const char json[] = "{\"Name\": \"n\", \"SecretString\": \"a secret that is longer than json-c's "
							   "first buffer of thirty-two bytes\"}";
	char *value;

	if (!secret_answer_parse(json, strlen(json), "n", &value, error))
		return REFUSED;
	return CHECK(strcmp(value, "a secret that is longer than json-c's first buffer of thirty-two bytes") ==
				 0);
}

static Outcome
run_credentials(EtlError *error)
{
	static const char json[] =
		"{\"Code\": \"Success\", \"AccessKeyId\": \"AKIA\", \"SecretAccessKey\": \"s\", \"Token\": \"t\", "
		"\"Expiration\": \"2026-11-20T01:02:03Z\"}";
	EtlAwsKeys keys;
	int64 expires_at;

	if (!credentials_answer_parse(json, strlen(json), &keys, &expires_at, error))
		return REFUSED;
	return CHECK(strcmp(keys.access_key_id, "AKIA") == 0 && strcmp(keys.secret_access_key, "s") == 0 &&
				 keys.session_token != NULL && strcmp(keys.session_token, "t") == 0 &&
				 expires_at == 1795136523);
}

static Outcome
run_warehouse_secret(EtlError *error)
{
	static const char json[] = "{\"host\": \"h\", \"port\": 5439, \"username\": \"u\", \"password\": \"a password that is "
							   "longer than json-c's first buffer\", \"dbname\": \"d\"}";
	EtlWarehouseSecret secret;

	if (!warehouse_secret_parse(json, strlen(json), "s", true, &secret, error))
		return REFUSED;
	return CHECK(strcmp(secret.host, "h") == 0 && strcmp(secret.port, "5439") == 0 &&
				 strcmp(secret.password, "a password that is longer than json-c's first buffer") == 0 &&
				 strcmp(secret.dbname, "d") == 0);
}

static Outcome
run_line(EtlError *error)
{
	char *line;

	if (!credentials_line_parse("role\n", 5, "role", &line, error))
		return REFUSED;
	return CHECK(strcmp(line, "role") == 0);
}

static Outcome
run_role(EtlError *error)
{
	static const char text[] =
		"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s"
		"</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-11-20T01:02:03Z</Expiration>"
		"</Credentials></AssumeRoleResult></AssumeRoleResponse>";
	EtlAwsKeys keys;
	int64 expires_at;

	if (!sts_answer_parse(text, strlen(text), "AssumeRole", &keys, &expires_at, error))
		return REFUSED;
	return CHECK(strcmp(keys.access_key_id, "ASIA") == 0 && strcmp(keys.secret_access_key, "s") == 0 &&
				 strcmp(keys.session_token, "t") == 0 && expires_at == 1795136523);
}

static Outcome
run_published(EtlError *error)
{
	static const char text[] =
		"<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
	char *id;

	if (!sns_answer_parse(text, strlen(text), &id, error))
		return REFUSED;
	return CHECK(strcmp(id, "m") == 0);
}

/* ---- what S3 answers to writes ---- */

static Outcome
run_upload_id(EtlError *error)
{
	static const char text[] =
		"<InitiateMultipartUploadResult><UploadId>i</UploadId></InitiateMultipartUploadResult>";
	char *id;

	if (!s3_upload_id_parse(text, strlen(text), &id, error))
		return REFUSED;
	return CHECK(strcmp(id, "i") == 0);
}

static Outcome
run_made(EtlError *error)
{
	static const char text[] = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
	char *etag;

	if (!s3_made_etag_parse(text, strlen(text), S3_MADE_COPY, &etag, error))
		return REFUSED;
	return CHECK(strcmp(etag, "e") == 0);
}

/* It has no error of its own: an error that can't be read is seen to be none of the answers that there may be. */
static Outcome
run_late_error(EtlError *error)
{
	static const char text[] = " <Error><Code>InternalError</Code></Error>";
	char *etag;

	if (aws_error_is_late(text, strlen(text)))
		return RIGHT;
	return CHECK(!s3_made_etag_parse(text, strlen(text), S3_MADE_COPY, &etag, error)) == RIGHT ? REFUSED : WRONG;
}

static Outcome
run_deletion(EtlError *error)
{
	static const char text[] = "<DeleteResult><Error><Key>k</Key><Code>c</Code></Error></DeleteResult>";
	EtlS3Deletion deletion;

	if (!s3_deletion_parse(text, strlen(text), &deletion, error))
		return REFUSED;
	return CHECK(deletion.refused == 1 && strcmp(deletion.key, "k") == 0 && strcmp(deletion.code, "c") == 0);
}

static Outcome
run_uploads(EtlError *error)
{
	static const char text[] =
		"<ListMultipartUploadsResult><EncodingType>url</EncodingType><Upload><Key>a%20b</Key><UploadId>i</UploadId>"
		"<Initiated>1970-01-01T00:00:01Z</Initiated></Upload><IsTruncated>true</IsTruncated>"
		"<NextKeyMarker>a+b</NextKeyMarker><NextUploadIdMarker>i</NextUploadIdMarker>"
		"</ListMultipartUploadsResult>";
	EtlS3UploadPage page;

	if (!s3_upload_page_parse(text, strlen(text), &page, error))
		return REFUSED;
	return CHECK(page.count == 1 && strcmp(page.entries[0].key, "a b") == 0 && page.entries[0].begun == 1 &&
				 strcmp(page.next_key, "a b") == 0 && strcmp(page.next_id, "i") == 0);
}

static Outcome
run_profile(EtlError *error)
{
	EtlAwsProfile profile = {.found = false};

	if (!profile_file_parse("[p]\naws_access_key_id = AKIA\naws_secret_access_key=s\n", false, "p", &profile,
							error))
		return REFUSED;
	return CHECK(profile.found && strcmp(profile.secret_access_key, "s") == 0);
}

static Outcome
run_container_uri(EtlError *error)
{
	return container_uri_check("http://169.254.170.2/v2/x", error) ? RIGHT : REFUSED;
}

static Outcome
run_uri(EtlError *error)
{
	char *bucket;
	char *key;

	if (!uri_split("s3://lake/a/b", &bucket, &key, error))
		return REFUSED;
	return CHECK(strcmp(bucket, "lake") == 0 && strcmp(key, "a/b") == 0);
}

static Outcome
run_glob(EtlError *error)
{
	EtlGlob *glob = glob_compile("a/**/x{1,2}[a-c]*", error);

	if (glob == NULL)
		return REFUSED;
	return CHECK(glob_matches(glob, "a/b/x1b.csv") && !glob_matches(glob, "a/b/x3"));
}

/* ---- codecs ---- */

static const uint8 lzop_file[] = {
#include "lzop_file.inc"
};

static char coded[4096];
static size_t coded_size;

static Outcome
encode(EtlEncoder *encoder, const char *text, EtlError *error)
{
	EtlCoderBytes bytes = {(const uint8 *) text, strlen(text), (uint8 *) coded, sizeof(coded)};
	bool done = false;
	bool good = true;

	if (encoder == NULL)
		return coder_out_of_memory(error) ? WRONG : REFUSED;
	while (good && !done)
		good = encoder->encode(encoder, &bytes, true, &done, error);
	encoder->free(encoder);
	coded_size = sizeof(coded) - bytes.out_size;
	return good ? RIGHT : REFUSED;
}

static Outcome
decode(EtlDecoder *decoder, const void *data, size_t size, const char *text, EtlError *error)
{
	char plain[4096];
	EtlCoderBytes bytes = {data, size, (uint8 *) plain, sizeof(plain)};
	bool good = true;
	bool between;
	size_t got;

	if (decoder == NULL)
		return coder_out_of_memory(error) ? WRONG : REFUSED;
	while (good && bytes.in_size > 0 && bytes.out_size > 0)
		good = decoder->decode(decoder, &bytes, error);
	between = decoder->between;
	decoder->free(decoder);
	got = sizeof(plain) - bytes.out_size;
	if (!good)
		return REFUSED;
	return CHECK(between && got >= strlen(text) && memcmp(plain, text, strlen(text)) == 0);
}

#define TEXT "what is compressed, and what is compressed, and what is compressed"
#define CODEC(codec)                                                                                         \
	static Outcome run_##codec##_encoder(EtlError *error)                                                    \
	{                                                                                                        \
		return encode(codec##_encoder_create(), TEXT, error);                                                \
	}                                                                                                        \
	static Outcome run_##codec##_decoder(EtlError *error)                                                    \
	{                                                                                                        \
		return decode(codec##_decoder_create(), coded, coded_size, TEXT, error);                             \
	}

CODEC(gzip)
CODEC(bzip2)
CODEC(zstd)

static Outcome
run_lzop_decoder(EtlError *error)
{
	return decode(lzop_decoder_create(), lzop_file, sizeof(lzop_file), "hello lzop, hello lzop, ", error);
}

/* ---- endpoints ---- */

static Outcome
run_endpoint(EtlError *error)
{
	EtlEndpointOptions options = {.custom = NULL};
	EtlEndpoint endpoint;

	if (!endpoint_s3("eu-central-1", &options, "lake", &endpoint, error))
		return REFUSED;
	return CHECK(strcmp(endpoint.base, "https://lake.s3.eu-central-1.amazonaws.com") == 0);
}

/* ---- calls ---- */

/* A call's message, by each protocol: a query, a path and a body of JSON. */
static Outcome
run_call(const char *service, const char *action, const char *expected, EtlError *error)
{
	EtlAwsValue members[] = {{.kind = AWS_VALUE_STRING, .name = "FunctionName", .text = "f g"},
							 {.kind = AWS_VALUE_STRING, .name = "Qualifier", .text = "q"}};
	EtlAwsValue input = {.kind = AWS_VALUE_OBJECT, .items = members, .count = lengthof(members)};
	EtlAwsMessage message;

	if (!protocol_write(service_find(service), action, &input, &message, error))
		return REFUSED;
	return CHECK(strstr(message.path, expected) != NULL || strstr(message.body, expected) != NULL);
}

static Outcome
run_call_query(EtlError *error)
{
	return run_call("sns", "Publish", "FunctionName=f%20g", error);
}

static Outcome
run_call_rest(EtlError *error)
{
	return run_call("lambda", "GetFunction", "/functions/f%20g", error);
}

static Outcome
run_call_json(EtlError *error)
{
	return run_call("dynamodb", "ListTables", "\"FunctionName\"", error);
}

static Outcome
run_answer_xml(EtlError *error)
{
	static const char text[] = "<PublishResponse><PublishResult><MessageId>m</MessageId><A><member>1</member>"
							   "</A></PublishResult></PublishResponse>";
	StringInfoData out;

	initStringInfo(&out);
	if (!protocol_xml_read(service_find("sns"), "Publish", text, strlen(text), &out, error))
		return REFUSED;
	return CHECK(strstr(out.data, "\"MessageId\"") != NULL);
}

/* ---- all of them ---- */

/* An encoder comes before its decoder, which reads what it has written. */
static const Case cases[] = {{"sigv4 headers", run_sign_headers, true, 1},
							 {"sigv4 query", run_sign_query, true, 1},
							 {"sha256", run_sha256, true, 1},
							 {"xml", run_xml},
							 {"listing", run_listing},
							 {"checksum", run_checksum, false, 1},
							 {"error xml", run_error_xml},
							 {"error json", run_error_json},
							 {"secret answer", run_secret},
							 {"warehouse secret", run_warehouse_secret},
							 {"credentials answer", run_credentials},
							 {"credentials line", run_line},
							 {"role", run_role},
							 {"published", run_published},
							 {"upload id", run_upload_id},
							 {"made", run_made},
							 {"late error", run_late_error, true},
							 {"deletion", run_deletion},
							 {"uploads", run_uploads},
							 {"profile file", run_profile},
							 {"container uri", run_container_uri},
							 {"uri", run_uri},
							 {"glob", run_glob},
							 {"endpoint", run_endpoint},
							 {"call query", run_call_query},
							 {"call rest", run_call_rest},
							 {"call json", run_call_json},
							 {"answer xml", run_answer_xml},
							 {"gzip encoder", run_gzip_encoder},
							 {"gzip decoder", run_gzip_decoder},
							 {"bzip2 encoder", run_bzip2_encoder},
							 {"bzip2 decoder", run_bzip2_decoder},
							 {"zstd encoder", run_zstd_encoder},
							 {"zstd decoder", run_zstd_decoder},
							 {"lzop decoder", run_lzop_decoder}};

/* True: an allocation has failed. `left` is what is left of malloc. */
static bool
run_failing(const Case *c, int n, int *left)
{
	/* volatile: they are looked at after a jump */
	volatile Outcome outcome = REFUSED;
	volatile bool raised = true;
	EtlError error = {0};
	bool failed;

	memory_begin(n);
	if (sigsetjmp(memory_error, 0) == 0)
	{
		outcome = c->run(&error);
		raised = false;
	}
	OPENSSL_thread_stop(); /* its list of errors, with texts */
	failed = memory_end();
	if (memory_jumped_out)
		fail_msg("%s, allocation %d: raises inside a library", c->name, n);
	if (outcome == WRONG)
		fail_msg("%s, allocation %d: a wrong result", c->name, n);
	if (!failed && outcome != RIGHT)
		fail_msg("%s: refused, but no allocation failed: %s %s", c->name, error.message, error.detail);
	if (outcome == REFUSED && !raised && !c->any_error && error.sqlstate != ERRCODE_OUT_OF_MEMORY)
		fail_msg("%s, allocation %d: the error is not that there is no memory but: %s %s", c->name, n,
				 error.message, error.detail);
	if (outcome == REFUSED && !raised && error.sqlstate == 0)
		fail_msg("%s, allocation %d: refused without an error", c->name, n);
	*left = memory_nlive;
	return failed;
}

static void
test_case(void **state)
{
	const Case *c = *state;
	int n = 0;
	bool failed;
	int left;

	(void) c->run(&(EtlError){0}); /* what a library sets up once is no leak */
	while (memory_chunks.next != &memory_chunks)
		pfree(memory_chunks.next + 1);
	do
	{
		failed = run_failing(c, ++n, &left);
		/* OpenSSL makes up once for what it couldn't keep; a leak comes again */
		if (left > 0)
			(void) run_failing(c, n, &left);
		if (left > c->leaves)
			fail_msg("%s, allocation %d: %d mallocs are left", c->name, n, left);
	} while (failed);
	print_message("%s: %d allocations\n", c->name, n - 1);
}

int
main(void)
{
	struct CMUnitTest tests[lengthof(cases)];

	for (int i = 0; i < lengthof(cases); i++)
		tests[i] = (struct CMUnitTest){
			.name = cases[i].name, .test_func = test_case, .initial_state = unconstify(Case *, &cases[i])};
	return cmocka_run_group_tests_name("allocation", tests, NULL, NULL);
}
