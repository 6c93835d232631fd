/*
 * json.c
 *		Parsing with json-c. See json.h.
 *
 * json-c 0.16 cuts a string short when the buffer that it collects it in can't grow, and says nothing: half a password
 * would be taken for a whole one. So the buffer is made as large as the longest string can be beforehand; it is wiped,
 * since that may be a secret.
 *
 * An object of json-c takes more than 700 bytes, however short its text: 2 GB for 8 MB of "{},". So there is a limit.
 */
#include "aws/json.h"

#include <json-c/printbuf.h>

#define MAX_CONTAINERS (100 * 1000) /* of a small document */

static bool
is_small(const char *json, size_t size)
{
	int containers = 0;

	if (size > AWS_JSON_MAX_SIZE)
		return false;
	for (size_t i = 0; i < size; i++)
		containers += json[i] == '{' || json[i] == '[';
	return containers <= MAX_CONTAINERS;
}

json_object *
aws_json_parse(const char *json, size_t size, int depth, bool *no_memory)
{
	json_tokener *tokener;
	json_object *object = NULL;

	*no_memory = false;
	if (!is_small(json, size))
		return NULL;
	tokener = json_tokener_new_ex(depth);
	if (tokener == NULL || printbuf_memset(tokener->pb, 0, 0, (int) size + 1) != 0)
		*no_memory = true;
	else
	{
		printbuf_reset(tokener->pb);
		object = json_tokener_parse_ex(tokener, json, (int) size);
		/* only "null" is no object and no error */
		if (object == NULL && json_tokener_get_error(tokener) == json_tokener_success && size > 0 &&
			json[0] == '{')
			*no_memory = true;
	}
	if (tokener != NULL)
	{
		explicit_bzero(tokener->pb->buf, tokener->pb->size);
		json_tokener_free(tokener);
	}
	return object;
}
