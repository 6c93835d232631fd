/*
 * options.h
 *		The options of etl.load and etl.unload: a JSON object whose keys are Redshift's option names in lower case.
 *
 * What is read is complete: an option that isn't known, isn't served yet or doesn't go with another is an error
 * that names it, never ignored. Only options that have no meaning here (STATUPDATE …) are accepted without effect.
 *
 * What is to be found in files or written into them (delimiters, null strings, formats of dates, names of elements) is UTF-8,
 * as the files are; names and URIs are of the database's encoding.
 */
#ifndef ETL_COPY_OPTIONS_H
#define ETL_COPY_OPTIONS_H

#include "postgres.h"

#include "format/encoding.h"
#include "format/json_reader.h"
#include "nodes/pg_list.h"
#include "store/access.h"
#include "store/codec.h"
#include "utils/jsonb.h"

typedef enum EtlCopyFormat
{
	ETL_COPY_TEXT,
	ETL_COPY_CSV,
	ETL_COPY_FIXEDWIDTH,
	ETL_COPY_JSON,
	ETL_COPY_XML
} EtlCopyFormat;

/* A column of FIXEDWIDTH. */
typedef struct EtlFixedColumn
{
	char *label; /* a name of the table's, or a number: then columns are taken in order */
	int width;	 /* characters */
} EtlFixedColumn;

typedef struct EtlLoadOptions
{
	EtlCopyFormat format;
	EtlStoreAccess access;
	List *columns;	 /* of char *; NIL: all that a load fills */
	bool manifest;	 /* the URI is that of a list of files */
	List *files;	 /* of char *, "ETAG SIZE KEY": these of the bucket, as a COPY JOB has found them; NIL: what the URI names */
	bool single;	 /* the URI is that of one object, and no prefix */
	EtlEncoding encoding;
	int conversion; /* postgres: the server's encoding that files are converted from; 0: none */
	EtlCodec codec;
	char *delimiter; /* TEXT, CSV; never NULL there */
	char *quote;	 /* CSV; one byte */
	char *null;		 /* what stands for NULL; never NULL in TEXT, CSV and FIXEDWIDTH */
	int null_len;	 /* "\0", the NUL byte, is one */
	EtlFixedColumn *fixed;
	int fixed_count;
	EtlJsonMapping json;
	char *paths;	/* JSON, XML: the URI of the file with the paths; NULL: none */
	char *row_tag;	/* XML: the element that is a row */
	char *invalid;	/* ACCEPTINVCHARS: takes the place of each invalid byte; NULL: they are an error */
	char *date_format; /* as written; NULL: the default */
	char *time_format;
	int ignore_header;
	int max_error; /* the load fails when it has this many; 0 and 1 are the same */
	bool ignore_all_errors;
	bool no_load; /* read, check, report; load nothing */
	bool accept_any_date;
	bool escape;
	bool remove_quotes;
	bool blanks_as_null;
	bool empty_as_null;
	bool trim_blanks;
	bool fill_record;
	bool truncate_columns;
	bool ignore_blank_lines;
	bool explicit_ids;
	bool round_decimals;
	/*
	 * By PostgreSQL's rules: values are what the types' input functions take, in the session's settings, an empty one too;
	 * TEXT and CSV are what COPY takes for them.
	 */
	bool postgres;
	bool header_match;	  /* TEXT, CSV, postgres: the first line of each file has the columns' names */
	bool freeze;		  /* postgres: rows are frozen, where the table is new in this subtransaction */
	char *where;		  /* postgres: the condition that a row must meet to be loaded, as SQL; NULL: none */
	char csv_escape;	  /* CSV, postgres: what escapes a quote; '\0': the quote itself */
	List *force_null;	  /* CSV, postgres: of char *: columns whose null string is NULL in quotes, too */
	List *force_not_null; /* CSV, postgres: likewise, whose null string is a value */
} EtlLoadOptions;

typedef struct EtlUnloadOptions
{
	EtlCopyFormat format;
	EtlStoreAccess access;
	char *delimiter; /* never NULL in TEXT and CSV */
	char *null;		 /* what NULL is written as */
	char *extension; /* replaces the one that the format and the compression give; NULL: keep that */
	EtlFixedColumn *fixed;
	int fixed_count;
	List *partition_by; /* of char *: columns */
	bool include;		/* partition columns are in the files, too */
	uint64 max_file_size;
	EtlCodec codec;
	bool header;
	bool add_quotes;
	bool escape;
	bool manifest;
	bool manifest_verbose;
	bool allow_overwrite;
	bool clean_path;
	bool serial;		/* PARALLEL OFF: it only changes the names */
	bool encrypted;		/* by S3 with a key of KMS; otherwise as the bucket does */
	char *kms_key_id;	/* NULL: the account's own */
	bool formula_guard; /* CSV, TEXT: a value that a spreadsheet would take for a formula gets a ' in front */
	bool postgres;		/* values are what the types' output functions give, TEXT and CSV what COPY writes */
	bool single;		/* the first file is called as the URI says, the others the same with _part2, _part3 … behind */
	int conversion;		/* postgres: the server's encoding that files are converted to; 0: they are UTF-8 */
	char csv_quote;		/* CSV */
	char csv_escape;	/* CSV: what escapes a quote; '\0': the quote itself */
	List *force_quote;	/* CSV, postgres: of char *: columns that are always in quotes; one "*": all */
} EtlUnloadOptions;

extern void copy_load_options_read(const char *format, Jsonb *options, EtlLoadOptions *out);
extern void copy_unload_options_read(const char *format, Jsonb *options, EtlUnloadOptions *out);

#endif
