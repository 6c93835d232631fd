/*
 * s3_part.c
 *		Comparing what comes with what was asked for. See s3_part.h.
 */
#include "aws/s3_part.h"

#include "aws/s3_answer.h"

static bool
refused(EtlError *error, const char *detail)
{
	etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "unexpected answer");
	etl_error_detail(error, "%s", detail);
	return false;
}

bool
s3_part_parse(const EtlS3Asked *asked, int status, const char *content_length, const char *content_range,
			  uint64 *end, uint64 *object_size, EtlError *error)
{
	static const char other[] = "A part of the object was asked for, and another one came.";
	uint64 first = 0;
	uint64 past;
	uint64 length;
	uint64 total;

	if (!s3_size_parse(content_length, &length))
		return refused(error, "The answer has no Content-Length.");
	past = total = length;
	if (!asked->whole && (status != 206 || !s3_range_parse(content_range, &first, &past, &total)))
		return refused(error, other);
	if (first != asked->position || past < first || past - first != length || past > total)
		return refused(error, other);
	if (asked->known && total != asked->object_size)
		return refused(error, "The object's size has changed, and its ETag hasn't.");
	if (asked->end > 0 && past > asked->end)
		return refused(error, "More bytes came than were asked for.");
	if (past < (asked->end > 0 ? Min(asked->end, total) : total))
		return refused(error, "The rest of the object was asked for, and less came.");
	*end = past;
	*object_size = total;
	return true;
}
