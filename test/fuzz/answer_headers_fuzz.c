/*
 * answer_headers_fuzz.c
 *		Whatever stands in the headers of an answer: numbers, times, ETags and checksums or nothing, no more of them than there
 *		is room, no waiting for longer than there is patience, no clock that is off by more than clocks are.
 */
#include "aws/checksum.h"

#include <time.h>

#include "aws/error.h"
#include "aws/s3_answer.h"
#include "aws/s3_part.h"
#include "net/date.h"
#include "net/headers.h"
#include "net/retry.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

#define LAST_SECOND INT64CONST(253402300800) /* of the year 9999, and a leap second */
#define NOW INT64CONST(1795136523)

static void
read_dates(const char *text)
{
	static const char *const codes[] = {"", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "NoSuchKey"};
	int64 time = -1;
	int64 iso = -1;

	if (date_parse_http(text, &time))
	{
		char back[64];
		time_t t = (time_t) time;
		struct tm tm;
		int64 again;

		/* there is one text for a time, but for leap seconds */
		if (gmtime_r(&t, &tm) == NULL ||
			strftime(back, sizeof(back), "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0 ||
			(strcmp(back, text) != 0 && strstr(text, ":60 GMT") == NULL) || !date_parse_http(back, &again) ||
			again != time)
			abort();
	}
	else if (time != -1)
		abort();
	if (date_parse_iso(text, &iso) ? iso < 0 || iso > LAST_SECOND : iso != -1)
		abort();
	for (int i = 0; i < lengthof(codes); i++)
	{
		EtlAwsFailure failure = {.status = 403};
		int64 offset = 0;

		strlcpy(failure.code, codes[i], sizeof(failure.code));
		if (!aws_error_tells_time(&failure, text, NOW, &offset)
				? offset != 0
				: offset != time - NOW || Abs(offset) > 366 * 86400)
			abort();
	}
}

static void
read_numbers(const char *text)
{
	uint64 first;
	uint64 end;
	uint64 total;
	int wait_ms;

	if (s3_range_parse(text, &first, &end, &total) && end == 0)
		abort();
	if (s3_size_parse(text, &total) && strspn(text, "0123456789") != strlen(text))
		abort();
	if (!retry_again(ETL_RETRY_THROTTLED, 1, 0.5, retry_after(text, NULL), &wait_ms) || wait_ms < 0 ||
		wait_ms > 20000 || !retry_again(ETL_RETRY_THROTTLED, 1, 0.5, retry_after(NULL, text), &wait_ms) ||
		wait_ms < 0 || wait_ms > 20000)
		abort();
}

/* As length and range of a part, which come one after the other; what was asked for is in the first bytes. */
static void
read_part(const uint8 *data, size_t size)
{
	EtlS3Asked asked = {.known = false};
	const char *length = (const char *) data + 4;
	const char *range;
	uint64 end = 0;
	uint64 total = 0;
	EtlError error = {0};

	if (size < 4)
		return;
	length = pnstrdup(length, size - 4);
	range = strchr(length, '\n');
	if (range != NULL)
		length = pnstrdup(length, range++ - length);
	asked = (EtlS3Asked){.position = data[1],
						 .end = (data[0] & 1) ? data[1] + data[2] + 1 : 0,
						 .whole = (data[0] & 2) && !(data[0] & 1) && data[1] == 0,
						 .known = data[0] & 4,
						 .object_size = data[3] * 4};
	if (!s3_part_parse(&asked, (data[0] & 8) ? 200 : 206, length, range, &end, &total, &error))
	{
		if (error.sqlstate != ERRCODE_PROTOCOL_VIOLATION || error.detail[0] == '\0' || end != 0 || total != 0)
			abort();
		return;
	}
	if (end < asked.position || end > total || (asked.end > 0 && end > asked.end) ||
		(end < total && end != asked.end) || (asked.known && total != asked.object_size) ||
		strtoull(length, NULL, 10) != end - asked.position)
		abort();
}

static void
read_texts(const char *text)
{
	char *etag = s3_etag_copy(text);

	if (strlen(etag) > strlen(text))
		abort();
	for (; *etag; etag++)
		if (*etag < 0x20 || IS_HIGHBIT_SET(*etag))
			abort();
	for (EtlChecksumKind kind = 0; kind < ETL_CHECKSUM_KINDS; kind++)
		if (checksum_is_base64(kind, text) && strlen(text) >= ETL_CHECKSUM_BASE64_SIZE)
			abort();
}

/* The input's lines as libcurl hands them over, into little room. */
static void
read_lines(const char *data, size_t size)
{
	char room[256];
	EtlHttpHeaders headers = {.data = palloc(sizeof(room)), .room = sizeof(room)};

	while (size > 0)
	{
		const char *end = memchr(data, '\n', size);
		size_t length = end != NULL ? end + 1 - data : size;
		char *line = palloc(length); /* no byte more than that may be looked at */

		memcpy(line, data, length);
		if (!http_headers_add(&headers, line, length))
			break;
		if (headers.size > headers.room || (headers.size > 0 && headers.data[headers.size - 1] != '\0'))
			abort();
		data += length;
		size -= length;
	}
	for (const char *line = headers.data; line < headers.data + headers.size; line += strlen(line) + 1)
	{
		size_t length = strcspn(line, ":");
		const char *value;

		if (line[length] == '\0')
			continue;
		value = http_headers_find(&headers, pnstrdup(line, length));
		if (value == NULL || value <= headers.data || value >= headers.data + headers.size || *value == ' ' ||
			*value == '\t' || strpbrk(value, "\n") != NULL)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char *text = palloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	read_dates(text);
	read_numbers(text);
	read_texts(text);
	read_part(data, size);
	read_lines((const char *) data, size);
	run_memory_free();
	return 0;
}
