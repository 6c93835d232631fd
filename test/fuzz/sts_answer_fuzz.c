/*
 * sts_answer_fuzz.c
 *		Whatever STS's and SNS's ends answer: all of the keys of a role, or a message's id, as they may stand in a header, or
 *		a refusal that quotes nothing of it and leaves nothing behind.
 */
#include "aws/sns_answer.h"
#include "aws/sts_answer.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void
check_word(const char *text, size_t longest)
{
	if (text == NULL || *text == '\0' || strlen(text) > longest)
		abort();
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7F)
			abort();
}

/* What it says is one of our own sentences, or one of expat's. */
static void
check_refusal(const EtlError *error)
{
	static const char *const starts[] = {"The document is not usable: ", "The answer is no ",
										 "The answer has no ", "The answer has several ", "Its "};
	bool known = false;

	for (int i = 0; i < lengthof(starts); i++)
		known = known || strncmp(error->detail, starts[i], strlen(starts[i])) == 0;
	if (!known || error->sqlstate != ERRCODE_PROTOCOL_VIOLATION ||
		strcmp(error->message, "unexpected answer") != 0 || strlen(error->detail) > 120)
		abort();
}

static void
read_keys(const char *text, size_t size, const char *action)
{
	EtlAwsKeys keys = {NULL};
	int64 expires_at = -1;
	EtlError error = {0};

	if (!sts_answer_parse(text, size, action, &keys, &expires_at, &error))
	{
		check_refusal(&error);
		if (keys.access_key_id != NULL || keys.secret_access_key != NULL || keys.session_token != NULL ||
			expires_at != -1)
			abort();
		return;
	}
	check_word(keys.access_key_id, 128);
	check_word(keys.secret_access_key, 256);
	check_word(keys.session_token, 16 * 1024);
	if (expires_at < 0 || expires_at > INT64CONST(253402300800))
		abort();
	aws_keys_wipe(&keys);
}

static void
read_published(const char *text, size_t size)
{
	char *id = NULL;
	EtlError error = {0};

	if (sns_answer_parse(text, size, &id, &error))
		check_word(id, 256);
	else
	{
		check_refusal(&error);
		if (id != NULL)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char *text = palloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	read_keys(text, size, "AssumeRole");
	read_keys(text, size, "AssumeRoleWithWebIdentity");
	read_published(text, size);
	run_memory_free();
	return 0;
}
