/*
 * json_writer.c
 *		Text as it stands in JSON. See json_writer.h. Pure.
 */
#include "format/json_writer.h"

#include "format/json_text.h"

static void
escape_write(StringInfo out, char c)
{
	static const char short_forms[][2] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
										  {'\n', 'n'}, {'\r', 'r'},	 {'\t', 't'}};

	for (int i = 0; i < lengthof(short_forms); i++)
		if (short_forms[i][0] == c)
		{
			appendStringInfoCharMacro(out, '\\');
			appendStringInfoCharMacro(out, short_forms[i][1]);
			return;
		}
	appendStringInfo(out, "\\u%04x", (unsigned char) c);
}

void
json_string_write(StringInfo out, const char *text, size_t len)
{
	const char *end = text + len;

	appendStringInfoCharMacro(out, '"');
	while (text < end)
	{
		const char *stop = json_string_stop(text, end);

		appendBinaryStringInfo(out, text, stop - text);
		if (stop < end)
			escape_write(out, *stop++);
		text = stop;
	}
	appendStringInfoCharMacro(out, '"');
}
