/*
 * time_format_fuzz.c
 *		A format and a text, with a line end between them: what is read is a date and time that there is.
 */
#include "format/time_format.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const uint8 *end = memchr(data, '\n', size);
	EtlTimeFormat *format;
	EtlTimeParts parts;
	EtlError error;
	char *name;

	if (end == NULL || memchr(data, '\0', end - data) != NULL)
		return 0;
	name = pnstrdup((const char *) data, end - data);
	format = time_format_create(name, size % 2, &error);
	pfree(name);
	if (format == NULL)
		return 0;
	if (time_format_read(format, (const char *) end + 1, data + size - end - 1, &parts) &&
		(parts.month < 1 || parts.month > 12 || parts.day < 1 || parts.day > 31 || parts.hour < 0 ||
		 parts.hour > 24 || parts.minute < 0 || parts.minute > 59 || parts.second < 0 || parts.second > 60 ||
		 parts.microsecond < 0 || parts.microsecond > 1000000 || parts.year < -4713 ||
		 abs(parts.zone) >= 16 * 3600))
		abort();
	pfree(format);
	return 0;
}
