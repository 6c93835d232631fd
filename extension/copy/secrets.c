/*
 * secrets.c
 *		Keeping keys out of errors. See secrets.h.
 */
#include "postgres.h"

#include "copy/secrets.h"

/* Shorter strings are no keys, and blotting them out would spoil the message. */
#define KEY_MIN_LENGTH 8

List *
copy_secrets_get(Jsonb *options)
{
	List *secrets = NIL;
	JsonbValue *credentials = NULL;
	JsonbIterator *iterator;
	JsonbValue element;
	JsonbIteratorToken token;
	bool is_id = false;

	if (JB_ROOT_IS_OBJECT(options))
		credentials = getKeyJsonValueFromContainer(&options->root, "credentials", strlen("credentials"), NULL);
	if (credentials == NULL || credentials->type != jbvBinary)
		return NIL;
	iterator = JsonbIteratorInit(credentials->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, false)) != WJB_DONE)
	{
		static const char id[] = "access_key_id";

		if (token == WJB_KEY)
			is_id = element.val.string.len == strlen(id) && memcmp(element.val.string.val, id, strlen(id)) == 0;
		else if ((token == WJB_VALUE || token == WJB_ELEM) && element.type == jbvString && !is_id &&
				 element.val.string.len >= KEY_MIN_LENGTH)
			secrets = lappend(secrets, pnstrdup(element.val.string.val, element.val.string.len));
	}
	return secrets;
}

static char *
text_redact(char *text, List *secrets)
{
	ListCell *lc;

	if (text == NULL)
		return NULL;
	foreach (lc, secrets)
	{
		const char *secret = lfirst(lc);
		size_t len = strlen(secret);

		if (len < KEY_MIN_LENGTH)
			continue;
		for (char *at = strstr(text, secret); at != NULL; at = strstr(at + len, secret))
			memset(at, '*', len);
	}
	return text;
}

char *
copy_secrets_blot(const char *text, List *secrets)
{
	return text == NULL ? NULL : text_redact(pstrdup(text), secrets);
}

void
copy_secrets_rethrow(List *secrets, MemoryContext context)
{
	ErrorData *error;

	if (secrets == NIL)
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	error->hide_stmt = true;
	error->message = text_redact(error->message, secrets);
	error->detail = text_redact(error->detail, secrets);
	error->detail_log = text_redact(error->detail_log, secrets);
	error->hint = text_redact(error->hint, secrets);
	error->context = text_redact(error->context, secrets);
	error->internalquery = text_redact(error->internalquery, secrets);
	ReThrowError(error);
}
