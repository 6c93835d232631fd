/*
 * sign_driver.c
 *		aws/sigv4.c as a program: reads requests, a JSON object a line, signs them, and prints what it signed. It is what
 *		sign_property.py compares with botocore.
 *
 * The path is "prefix" as it is and "key" percent-encoded, as s3_request_make has it.
 */
#include "aws/sigv4.h"

#include <json-c/json.h>

#define MAX_FIELDS 64

static const char *
member(json_object *object, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : NULL;
}

/* [["name", "value"], …] */
static int
fields(json_object *object, const char *name, EtlHttpField *out)
{
	json_object *array = json_object_object_get(object, name);
	int count = (int) json_object_array_length(array);

	if (count > MAX_FIELDS)
	{
		fprintf(stderr, "too many of \"%s\"\n", name);
		exit(1);
	}
	for (int i = 0; i < count; i++)
	{
		json_object *pair = json_object_array_get_idx(array, i);

		out[i] = (EtlHttpField){json_object_get_string(json_object_array_get_idx(pair, 0)),
								json_object_get_string(json_object_array_get_idx(pair, 1))};
	}
	return count;
}

static json_object *
answer(const EtlSigv4Request *request, const EtlSigv4Signature *signature, const char *query)
{
	json_object *out = json_object_new_object();
	json_object *headers = json_object_new_object();

	for (int i = 0; i < signature->nheaders; i++)
		json_object_object_add(headers, signature->headers[i].name,
							   json_object_new_string(signature->headers[i].value));
	json_object_object_add(out, "path", json_object_new_string(request->path));
	json_object_object_add(out, "query", json_object_new_string(query));
	json_object_object_add(out, "headers", headers);
	json_object_object_add(out, "canonical", json_object_new_string(signature->canonical_request));
	json_object_object_add(out, "signature", json_object_new_string(signature->signature));
	return out;
}

static json_object *
sign(json_object *in)
{
	bool s3 = strcmp(member(in, "service"), "s3") == 0;
	bool in_query = member(in, "expires") != NULL;
	EtlHttpField query[MAX_FIELDS];
	EtlHttpField headers[MAX_FIELDS];
	EtlSigv4Signer signer = {member(in, "access_key_id"),
							 member(in, "secret_access_key"),
							 member(in, "session_token"),
							 member(in, "region"),
							 member(in, "service"),
							 member(in, "timestamp"),
							 !s3,
							 !s3};
	EtlSigv4Request request = {.method = member(in, "method"), .query = query, .headers = headers};
	EtlSigv4Signature signature;
	StringInfoData path;
	char hash[SIGV4_HEX_SIZE];
	const char *body = member(in, "body");
	EtlError error;
	bool ok;

	initStringInfo(&path);
	appendStringInfoString(&path, member(in, "prefix"));
	sigv4_encode(&path, member(in, "key"), true);
	request.path = path.data;
	request.nquery = fields(in, "query", query);
	request.nheaders = fields(in, "headers", headers);
	request.send_payload_hash = s3 && !in_query;
	request.payload_hash = s3 && in_query ? SIGV4_UNSIGNED_PAYLOAD : hash;
	ok = sigv4_sha256(body, strlen(body), hash, &error);
	if (ok && in_query)
		ok = sigv4_sign_query(&signer, &request, atoi(member(in, "expires")), &signature, &error);
	else if (ok)
		ok = sigv4_sign_headers(&signer, &request, &signature, &error);
	if (!ok)
	{
		fprintf(stderr, "%s\n", error.message);
		exit(1);
	}
	return answer(&request, &signature,
				  in_query ? signature.query : sigv4_query_string(query, request.nquery));
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0)
	{
		json_object *in = json_tokener_parse(line);
		json_object *out;

		if (in == NULL)
		{
			fprintf(stderr, "a line is not JSON\n");
			return 1;
		}
		out = sign(in);
		puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
		json_object_put(out);
		json_object_put(in);
	}
	free(line);
	return 0;
}
