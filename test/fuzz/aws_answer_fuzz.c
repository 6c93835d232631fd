/*
 * aws_answer_fuzz.c
 *		Whatever AWS's end answers: XML becomes JSON or an error, an error body a failure of bounded text.
 */
#include "aws/error.h"
#include "aws/json.h"
#include "aws/json_valid.h"
#include "aws/protocol.h"
#include "run_memory.h"

static void
read_xml(const char *service, const char *action, const char *text, size_t size)
{
	StringInfoData out;
	EtlError error = {0};

	initStringInfo(&out);
	if (protocol_xml_read(service_find(service), action, text, size, &out, &error))
	{
		if (!aws_json_valid(out.data, out.len))
			abort();
	}
	else if (error.sqlstate == 0)
		abort();
}

/* What is taken for JSON is JSON to json-c as well, which takes more. */
static void
check_json(const char *text, size_t size)
{
	json_tokener *tokener;
	bool no_memory;
	json_object *small = aws_json_parse(text, size, 16, &no_memory);

	if (no_memory)
		abort();
	json_object_put(small);
	if (!aws_json_valid(text, size))
		return;
	tokener = json_tokener_new_ex(1024);
	json_object_put(json_tokener_parse_ex(tokener, text, (int) size + 1)); /* the NUL ends a number */
	if (json_tokener_get_error(tokener) != json_tokener_success)
		abort();
	json_tokener_free(tokener);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	EtlAwsFailure failure = {0};
	char *text = palloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	read_xml("sns", "A", text, size);
	read_xml("redshift", "A", text, size);
	read_xml("ec2", "A", text, size);
	check_json(text, size);
	aws_error_parse(text, size, NULL, &failure);
	if (strlen(failure.code) >= sizeof(failure.code) || strlen(failure.message) >= sizeof(failure.message))
		abort();
	run_memory_free();
	return 0;
}
