/*
 * aws_request_fuzz.c
 *		Any input is a request or an error, whatever the service; and no control character is in a path or a header.
 */
#include "aws/protocol.h"
#include "run_memory.h"

typedef struct Bytes
{
	const uint8 *at;
	size_t left;
} Bytes;

static uint8
next_byte(Bytes *bytes)
{
	if (bytes->left == 0)
		return 0;
	bytes->left--;
	return *bytes->at++;
}

static const char *
next_text(Bytes *bytes)
{
	static const char *const known[] = {"FunctionName", "Qualifier", "Payload",		 "Tags",
										"Attributes",	"Filters",	 "ClientContext"};
	size_t length = next_byte(bytes) % 16;
	char *text;

	if (length < lengthof(known))
		return known[length];
	length = Min(length, bytes->left);
	text = pnstrdup((const char *) bytes->at, length);
	bytes->at += length;
	bytes->left -= length;
	return text;
}

static void
make_value(Bytes *bytes, EtlAwsValue *value, int depth)
{
	value->kind = next_byte(bytes) % 5;
	if (value->kind < AWS_VALUE_ARRAY || depth > AWS_VALUE_DEPTH + 2)
	{
		value->kind = Min(value->kind, AWS_VALUE_STRING);
		value->text = value->kind == AWS_VALUE_SCALAR ? "1.50" : next_text(bytes);
		return;
	}
	value->count = next_byte(bytes) % 4;
	value->items = palloc0((value->count + 1) * sizeof(EtlAwsValue));
	for (int i = 0; i < value->count; i++)
	{
		value->items[i].name = value->kind == AWS_VALUE_OBJECT ? next_text(bytes) : NULL;
		make_value(bytes, &value->items[i], depth + 1);
	}
}

static void
check_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char) *text < 0x20 || *text == 0x7F)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static const char *const calls[][2] = {
		{"lambda", "Invoke"},	 {"lambda", "ListFunctions"},	{"sns", "Publish"},
		{"ec2", "RunInstances"}, {"redshift", "CreateCluster"}, {"batch", "SubmitJob"}};
	Bytes bytes = {data, size};
	const char *const *call = calls[next_byte(&bytes) % lengthof(calls)];
	const EtlAwsService *service = service_find(call[0]);
	EtlAwsValue input = {0};
	EtlAwsMessage message;
	EtlError error = {0};

	make_value(&bytes, &input, 0);
	if (protocol_write(service, call[1], &input, &message, &error))
	{
		check_plain(message.path);
		for (int i = 0; i < message.nheaders; i++)
			check_plain(message.headers[i].value);
		for (int i = 0; i < message.nquery; i++)
			check_plain(message.query[i].value);
		protocol_rename(service, &input, true);
	}
	else if (error.sqlstate == 0 || error.message[0] == '\0')
		abort();
	run_memory_free();
	return 0;
}
