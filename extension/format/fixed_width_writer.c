/*
 * fixed_width_writer.c
 *		Fields to a row of fields of fixed width. See fixed_width.h. Pure.
 */
#include "format/fixed_width.h"

/* Characters up to end, as the reader counts them. */
static int
count_characters(const char *p, const char *end)
{
	int count = 0;

	for (const char *start = p; p < end; p++)
		count += p == start || (*p & 0xC0) != 0x80;
	return count;
}

bool
fixed_width_row_write(StringInfo out, const EtlFixedWidthOptions *options, const EtlField *fields,
					  int *bad_field, EtlError *error)
{
	int before = out->len;

	for (int i = 0; i < options->width_count; i++)
	{
		const EtlField *field = &fields[i];
		int width = options->widths[i];
		int characters = field->is_null ? 0 : count_characters(field->data, field->data + field->len);

		if (characters > width)
		{
			out->len = before;
			out->data[before] = '\0';
			*bad_field = i;
			etl_error_set(error, ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
						  "value is longer than its fixed width");
			etl_error_detail(error, "It has %d characters; the width is %d.", characters, width);
			return false;
		}
		enlargeStringInfo(out, (field->is_null ? 0 : field->len) + (width - characters) + 1);
		if (!field->is_null)
			appendBinaryStringInfo(out, field->data, field->len);
		memset(out->data + out->len, ' ', width - characters);
		out->len += width - characters;
	}
	appendStringInfoChar(out, '\n');
	return true;
}
