/*
 * headers.c
 *		Keeping and finding headers. See headers.h.
 */
#include "net/headers.h"

bool
http_headers_add(EtlHttpHeaders *headers, const char *line, size_t length)
{
	while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL && line[length - 1] != '\0')
		length--;
	if (length > 5 && strncmp(line, "HTTP/", 5) == 0)
		headers->size = 0;
	/* what follows a byte 0 would be a line of its own */
	if (length == 0 || memchr(line, '\0', length) != NULL)
		return true;
	if (length >= headers->room - headers->size)
		return false;
	memcpy(headers->data + headers->size, line, length);
	headers->data[headers->size + length] = '\0';
	headers->size += length + 1;
	return true;
}

const char *
http_headers_find(const EtlHttpHeaders *headers, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = headers->data; line < headers->data + headers->size; line += strlen(line) + 1)
		if (pg_strncasecmp(line, name, length) == 0 && line[length] == ':')
			return line + length + 1 + strspn(line + length + 1, " \t");
	return NULL;
}
