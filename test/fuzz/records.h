/*
 * records.h
 *		A digest of all that a record reader gives for an input, read in pieces of a size. It must not depend on the size.
 */
#include "format/record.h"

static uint64
records_digest(EtlRecordReader *reader, const char *input, size_t len, size_t step)
{
	EtlRecord record;
	EtlError error;
	EtlRecordStatus status = ETL_RECORD_NEED_MORE;
	uint64 hash = 0;
	size_t records = 0;
	char *piece = NULL;

	for (size_t at = 0; status != ETL_RECORD_END; at += Min(step, len - at))
	{
		size_t size = Min(step, len - at);

		/* Of its exact size: the sanitizer sees a read past it, and of an older one. */
		free(piece);
		piece = malloc(Max(size, 1));
		memcpy(piece, input + at, size);
		reader->feed(reader, piece, size, size == len - at);
		while ((status = reader->next(reader, &record, &error)) != ETL_RECORD_NEED_MORE &&
			   status != ETL_RECORD_END)
		{
			hash = hash * 31 + status + record.code;
#ifdef RECORDS_ERRORS_MOVE
			if (status == ETL_RECORD_ERROR)
				record.line = record.raw_len = 0;
#endif
			hash = hash * 31 + record.line * 7 + record.raw_len * 5;
			for (size_t i = 0; i < record.raw_len; i++)
				hash = hash * 31 + (uint8) record.raw[i];
			for (int i = 0; i < Min(record.field_count, ETL_RECORD_MAX_FIELDS); i++)
			{
				hash = hash * 31 + record.fields[i].is_null + 2 * record.fields[i].quoted;
				for (uint32 j = 0; j < record.fields[i].len; j++)
					hash = hash * 31 + (uint8) record.fields[i].data[j];
			}
			/* Each takes a byte or is the last. */
			if (records++ > len + 1)
				abort();
			if (status == ETL_RECORD_ERROR && error.sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			{
				status = ETL_RECORD_END;
				break;
			}
		}
	}
	free(piece);
	reader->free(reader);
	return hash;
}
