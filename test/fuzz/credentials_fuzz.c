/*
 * credentials_fuzz.c
 *		Whatever a metadata service answers, or a profile file or URI says, is taken or refused, and no refusal quotes it.
 */
#include "aws/container_uri.h"
#include "aws/credentials_answer.h"
#include "aws/profile_file.h"
#include "run_memory.h"

static void
check_refusal(const EtlError *error)
{
	if (error->sqlstate == 0 || error->message[0] == '\0' || error->detail[0] == '\0')
		abort();
}

static void
try_answer(const char *text, size_t size)
{
	EtlAwsKeys keys = {NULL};
	int64 expires_at = -1;
	EtlError error = {0};

	if (!credentials_answer_parse(text, size, &keys, &expires_at, &error))
	{
		check_refusal(&error);
		if (keys.access_key_id != NULL || keys.secret_access_key != NULL || expires_at != -1)
			abort();
	}
	else if (keys.access_key_id == NULL || keys.secret_access_key == NULL || expires_at < 0)
		abort();
	aws_keys_wipe(&keys);
}

static void
try_line(const char *text, size_t size)
{
	char *line = NULL;
	EtlError error = {0};

	if (!credentials_line_parse(text, size, "token", &line, &error))
	{
		check_refusal(&error);
		if (line != NULL || strcmp(error.detail, "It has no token.") != 0)
			abort();
		return;
	}
	if (*line == '\0' || strlen(line) > Min(size, 16 * 1024))
		abort();
	for (; *line; line++)
		if (*line <= 0x20 || *line >= 0x7F)
			abort();
}

static void
try_profile(const char *text, bool config)
{
	EtlAwsProfile profile = {.found = false};
	EtlError error = {0};

	if (!profile_file_parse(text, config, "p", &profile, &error))
		check_refusal(&error);
	else if (!profile.found && profile.access_key_id != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char *text = pnstrdup((const char *) data, size);
	EtlError error = {0};

	try_answer((const char *) data, size);
	try_line((const char *) data, size);
	try_profile(text, false);
	try_profile(text, true);
	if (!container_uri_check(text, &error))
		check_refusal(&error);
	run_memory_free();
	return 0;
}
