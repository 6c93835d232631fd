/*
 * credentials_machine.c
 *		What providers read of the machine the server runs on: its environment, small files.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "aws/credentials_provider.h"

const char *
credentials_environment_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

char *
credentials_file_read(const char *path, size_t limit)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t n = 0;
	int failure;
	char *text;

	if (fd < 0)
		return NULL;
	text = palloc_extended(limit + 1, MCXT_ALLOC_NO_OOM);
	if (text == NULL)
		errno = ENOMEM;
	while (text != NULL && size <= limit && (n = read(fd, text + size, limit + 1 - size)) != 0)
	{
		if (n < 0 && errno != EINTR)
			break;
		size += Max(n, 0);
	}
	failure = n < 0 ? errno : size > limit ? EFBIG : text == NULL ? ENOMEM : 0;
	close(fd);
	if (failure != 0)
	{
		errno = failure;
		return NULL;
	}
	while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
		size--;
	text[size] = '\0';
	return text;
}
