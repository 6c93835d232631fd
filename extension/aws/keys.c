/*
 * keys.c
 *		Copying and wiping keys. See keys.h.
 */
#include "aws/keys.h"

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

static void
wipe_text(char *text)
{
	if (text == NULL)
		return;
	explicit_bzero(text, strlen(text));
	pfree(text);
}

EtlAwsKeys
aws_keys_copy(const EtlAwsKeys *keys)
{
	return (EtlAwsKeys){.access_key_id = copy_text(keys->access_key_id),
						.secret_access_key = copy_text(keys->secret_access_key),
						.session_token = copy_text(keys->session_token)};
}

void
aws_keys_wipe(EtlAwsKeys *keys)
{
	wipe_text(keys->access_key_id);
	wipe_text(keys->secret_access_key);
	wipe_text(keys->session_token);
	memset(keys, 0, sizeof(*keys));
}
