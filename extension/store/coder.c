/*
 * coder.c
 *		What coders have in common: errors, and telling a codec by a file's first bytes. See coder.h.
 */
#include "store/coder.h"

bool
coder_out_of_memory(EtlError *error)
{
	return etl_error_set(error, ERRCODE_OUT_OF_MEMORY, "out of memory");
}

bool
coder_damaged(EtlError *error, const char *fmt, ...)
{
	char detail[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	etl_error_set(error, ERRCODE_INVALID_BINARY_REPRESENTATION, "damaged file");
	etl_error_detail(error, "%s", detail);
	return false;
}

static bool
begins_with(const uint8 *data, size_t size, const void *magic, size_t length)
{
	return size >= length && memcmp(data, magic, length) == 0;
}

EtlCodec
coder_recognize(const uint8 *data, size_t size)
{
	if (begins_with(data, size, "\x1F\x8B\x08", 3))
		return ETL_CODEC_GZIP;
	/* "BZh9" alone might be text: what follows is the first block's mark, or, of an empty file, the end's */
	if (begins_with(data, size, "BZh", 3) && size >= 10 && data[3] >= '1' && data[3] <= '9' &&
		(memcmp(data + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 ||
		 memcmp(data + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0))
		return ETL_CODEC_BZIP2;
	if (begins_with(data, size, "\x89LZO\x00\r\n\x1A\n", 9))
		return ETL_CODEC_LZOP;
	if (begins_with(data, size, "\x28\xB5\x2F\xFD", 4))
		return ETL_CODEC_ZSTD;
	/* a frame to be skipped, such as pzstd and zstd's seekable format begin with */
	if (size >= 4 && (data[0] & 0xF0) == 0x50 && memcmp(data + 1, "\x2A\x4D\x18", 3) == 0)
		return ETL_CODEC_ZSTD;
	return ETL_CODEC_NONE;
}
