/*
 * aws_error_fuzz.c
 *		Whatever stands in an error's body: what is raised of it is plain ASCII of bounded length, has an SQLSTATE, and
 *		nothing of a body that says that a signature is wrong, which quotes what was signed.
 */
#include "aws/error.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void
check_plain(const char *text, size_t room)
{
	if (strnlen(text, room) == room)
		abort();
	for (; *text; text++)
		if (*text < 0x20 || IS_HIGHBIT_SET(*text))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static const int statuses[] = {200, 301, 400, 403, 404, 412, 500, 503};
	static const EtlAwsAction action = {"read", "s3://lake/a", "s3:GetObject", "aws"};
	EtlAwsFailure failure = {.status = statuses[size > 0 ? data[0] % lengthof(statuses) : 0]};
	EtlError error = {0};
	char *text = palloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (size > 0)
		aws_error_parse(text + 1, size - 1, NULL, &failure);
	aws_error_parse("", 0, text, &failure); /* as the header x-amzn-errortype */
	aws_error_headers(&failure, text, text, text);
	check_plain(failure.code, sizeof(failure.code));
	check_plain(failure.message, sizeof(failure.message));
	check_plain(failure.region, sizeof(failure.region));
	check_plain(failure.request_id, sizeof(failure.request_id));
	check_plain(failure.location, sizeof(failure.location));
	if (strstr(failure.code, "Signature") != NULL && failure.message[0] != '\0')
		abort();
	aws_error_describe(&failure, &action, &error);
	if (error.sqlstate == 0)
		abort();
	check_plain(error.message, sizeof(error.message));
	check_plain(error.detail, sizeof(error.detail));
	check_plain(error.hint, sizeof(error.hint));
	run_memory_free();
	return 0;
}
