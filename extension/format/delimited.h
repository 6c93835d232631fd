/*
 * delimited.h
 *		Rows of delimited text and CSV: bytes to fields (COPY, external tables) and fields to bytes (UNLOAD).
 *
 * Pure. One set of options covers the dialects met:
 *		Redshift text	quote '\0', escape '\0' or, with ESCAPE, '\\'; surrounding_quotes is REMOVEQUOTES, ADDQUOTES
 *		Redshift CSV	quote '"', escape '\0'
 *		LazySimpleSerDe	quote '\0', escape '\0' or what ESCAPED BY says
 *		OpenCSVSerde	quote, escape and delimiter as its properties say
 * How many fields a row should have, what an empty field means, which encoding it is in: the caller's matter.
 */
#ifndef ETL_FORMAT_DELIMITED_H
#define ETL_FORMAT_DELIMITED_H

#include "base/error.h"
#include "base/platform.h"

#define ETL_DELIMITED_MAX_ROW (4 * 1024 * 1024) /* bytes; Redshift's limit */
#define ETL_DELIMITED_MAX_FIELDS 1664			/* fields kept of a row; as many as PostgreSQL could return */
#define ETL_DELIMITED_MAX_DELIMITER 64			/* bytes */

typedef struct EtlDelimitedOptions
{
	const char *delimiter; /* 1 to ETL_DELIMITED_MAX_DELIMITER bytes */
	int delimiter_len;
	char quote;	 /* CSV's quote character; '\0': not CSV, nothing quotes */
	char escape; /* takes the next character as it is; '\0': none. In CSV a doubled quote always works. */
	bool surrounding_quotes; /* not CSV: quotes around a whole field, ' or ", are not part of it */
	const char *null_string; /* an unquoted field that is exactly this is NULL */
	int null_len;
	/* Reader only */
	bool ignore_blank_lines;
	int ignore_header; /* rows to skip at the start of the stream */
} EtlDelimitedOptions;

typedef struct EtlField
{
	const char *data; /* not NUL-terminated; NULL only when is_null */
	uint32 len;
	bool is_null; /* is the null string */
	bool quoted;  /* had quotes around it, so it is no null string and no missing value */
} EtlField;

/* A row, valid until the next call of delimited_reader_next or _feed. */
typedef struct EtlDelimitedRow
{
	const EtlField *fields; /* the first Min(field_count, ETL_DELIMITED_MAX_FIELDS) */
	int field_count;		/* as many as the row has */
	int64 line;				/* 1-based physical line it starts on, header lines counted */
	const char *raw;		/* the row as it was read, without its line end; not NUL-terminated */
	size_t raw_len;
} EtlDelimitedRow;

typedef enum EtlDelimitedStatus
{
	ETL_DELIMITED_ROW,
	ETL_DELIMITED_NEED_MORE, /* feed the next bytes */
	ETL_DELIMITED_END,
	/*
	 * The row is malformed; `row` has its line and raw bytes and no fields. The message starts "line 7: ". Calling
	 * next again goes on after it, but for a row over the limit (54000): its end isn't known.
	 */
	ETL_DELIMITED_ERROR
} EtlDelimitedStatus;

typedef struct EtlDelimitedReader EtlDelimitedReader;

/*
 * Whether the options can work together: false with 22023 filled in (a delimiter that is also the quote, that has a
 * line end in it, …). Both the reader and the writer expect options that passed; the strings must outlive them.
 */
extern bool delimited_options_check(const EtlDelimitedOptions *options, EtlError *error);

/* Allocated, with all it grows into, in the current context: at most about two rows and the fields of one. */
extern EtlDelimitedReader *delimited_reader_create(const EtlDelimitedOptions *options);
extern void delimited_reader_free(EtlDelimitedReader *reader);

/*
 * The next bytes of the stream, of any length, with eof on the last (which may be empty). Once at the start, then
 * after each NEED_MORE. Fields point into buf where they can, so it stays as it is until the next NEED_MORE or END.
 */
extern void delimited_reader_feed(EtlDelimitedReader *reader, const char *buf, size_t len, bool eof);
extern EtlDelimitedStatus delimited_reader_next(EtlDelimitedReader *reader, EtlDelimitedRow *row,
												EtlError *error);

/*
 * Append a row and its "\n" to out. NULL fields (is_null) come out as the null string, never quoted. Of the options
 * quote, escape and surrounding_quotes mean: quote a field where CSV needs it; escape what would be read as something
 * else; put every field in double quotes.
 */
extern void delimited_row_write(StringInfo out, const EtlDelimitedOptions *options, const EtlField *fields,
								int field_count);

#endif
