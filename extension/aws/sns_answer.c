/*
 * sns_answer.c
 *		Reading a message's id. See sns_answer.h.
 */
#include "aws/sns_answer.h"

#include "aws/xml_answer.h"

#define MAX_ID_SIZE 256 /* a UUID, as a rule */

bool
sns_answer_parse(const char *body, size_t size, char **message_id, EtlError *error)
{
	EtlXml xml;
	const char *text = NULL;
	int result;

	if (!xml_answer_parse(body, size, "PublishResponse", &xml, error))
		return false;
	result = xml_answer_child(&xml, 0, "PublishResult", error);
	if (result > 0)
		text = xml_answer_word(&xml, result, "MessageId", MAX_ID_SIZE, error);
	if (text != NULL)
		*message_id = pstrdup(text);
	xml_free(&xml);
	return text != NULL;
}
