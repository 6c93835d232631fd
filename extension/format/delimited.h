/*
 * delimited.h
 *		Rows of delimited text and CSV: bytes to fields (COPY, external tables) and fields to bytes (UNLOAD).
 *
 * Pure. One set of options covers the dialects met:
 *		Redshift text	quote '\0', escape '\0' or, with ESCAPE, '\\'; surrounding_quotes is REMOVEQUOTES, ADDQUOTES
 *		Redshift CSV	quote '"', escape '\0'
 *		LazySimpleSerDe	quote '\0', escape '\0' or what ESCAPED BY says
 *		OpenCSVSerde	quote, escape and delimiter as its properties say
 *		COPY's text		quote '\0', escape '\\', postgres
 *		COPY's CSV		quote, escape as its options say, postgres
 * How many fields a row should have, what an empty field means, which encoding it is in: the caller's matter.
 */
#ifndef ETL_FORMAT_DELIMITED_H
#define ETL_FORMAT_DELIMITED_H

#include "format/record.h"

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
	/*
	 * As PostgreSQL's COPY has it. Lines end as the first one does. Text: \n, \t, \101, \x41 and their like are the characters
	 * that they are in C, and \. ends the data. CSV: quotes may open and close anywhere in a field, whose blanks are its own;
	 * an escape is one before a quote or itself and inside quotes alone; a line \. ends the data; a value that is the null
	 * string is written in quotes, though it be empty.
	 */
	bool postgres;
	/* CSV: by column; NULL: no column's. Of fields that are the null string: read as NULL even in quotes; read as that text. */
	const bool *force_null;
	const bool *force_not_null;
	const bool *force_quote; /* CSV, writer: by column; always in quotes */
	int force_count;		 /* columns that these three have */
	/* Reader only */
	bool ignore_blank_lines;
	int ignore_header; /* rows to skip at the start of the stream */
} EtlDelimitedOptions;

/*
 * Whether the options can work together: false with 22023 filled in (a delimiter that is also the quote, that has a
 * line end in it, …). Both the reader and the writer expect options that passed; the strings must outlive them.
 */
extern bool delimited_options_check(const EtlDelimitedOptions *options, EtlError *error);

/* Allocated, with all it grows into, in the current context: at most about two rows and the fields of one. */
extern EtlRecordReader *delimited_reader_create(const EtlDelimitedOptions *options);

/*
 * Append a row and its "\n" to out. NULL fields (is_null) come out as the null string, never quoted. Of the options
 * quote, escape and surrounding_quotes mean: quote a field where CSV needs it; escape what would be read as something
 * else; put every field in double quotes.
 */
extern void delimited_row_write(StringInfo out, const EtlDelimitedOptions *options, const EtlField *fields,
								int field_count);

#endif
