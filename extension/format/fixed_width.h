/*
 * fixed_width.h
 *		Rows whose fields have a number of characters each and nothing between them: bytes to fields (COPY) and fields to
 *		bytes (UNLOAD).
 *
 * Pure. A character is one of UTF-8. Blanks that fill a field up are part of it, which is for the caller to judge.
 *
 * A line that ends early has fewer fields, the last with fewer characters, but always one; what a line has beyond the last
 * width is one more field. Lines end with LF or CRLF, the last one perhaps with neither.
 */
#ifndef ETL_FORMAT_FIXED_WIDTH_H
#define ETL_FORMAT_FIXED_WIDTH_H

#include "format/record.h"

typedef struct EtlFixedWidthOptions
{
	const int *widths; /* characters; outlive what is made with them */
	int width_count;
	/* Reader only */
	const char *null_string; /* a field that is this, blanks at its end aside, is NULL */
	int null_len;
	bool ignore_blank_lines; /* lines of nothing at all */
	int ignore_header;		 /* lines to skip at the start of the stream */
} EtlFixedWidthOptions;

/* Whether there are widths, each at least 1 and together no more than a row may have: false with 22023 filled in. */
extern bool fixed_width_options_check(const EtlFixedWidthOptions *options, EtlError *error);

/* Allocated, with all it grows into, in the current context: about two rows. */
extern EtlRecordReader *fixed_width_reader_create(const EtlFixedWidthOptions *options);

/*
 * Append a row of width_count fields and its "\n" to out, each filled up with blanks at its end; NULL is blanks alone. false
 * with 22001: a value has more characters than its width; *bad_field is which one (from 0) and out is as it was.
 */
extern bool fixed_width_row_write(StringInfo out, const EtlFixedWidthOptions *options, const EtlField *fields,
								  int *bad_field, EtlError *error);

#endif
