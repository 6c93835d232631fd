/*
 * options.h
 *		The options of etl.load and etl.unload: a JSON object whose keys are Redshift's option names in lower case.
 *
 * What is read is complete: an option that isn't known, isn't served yet or doesn't go with another is an error
 * that names it, never ignored. Only options that have no meaning here (STATUPDATE …) are accepted without effect.
 */
#ifndef ETL_COPY_OPTIONS_H
#define ETL_COPY_OPTIONS_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "store/access.h"
#include "store/codec.h"
#include "utils/jsonb.h"

typedef enum EtlCopyFormat
{
	ETL_COPY_TEXT,
	ETL_COPY_CSV
} EtlCopyFormat;

typedef struct EtlLoadOptions
{
	EtlCopyFormat format;
	EtlStoreAccess access;
	List *columns;	 /* of char *; NIL: all that a load fills */
	char *delimiter; /* never NULL */
	char *quote;	 /* CSV; one byte */
	char *null;		 /* what stands for NULL */
	char *invalid;	 /* ACCEPTINVCHARS: takes the place of each invalid byte; NULL: they are an error */
	int ignore_header;
	EtlCodec codec;
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
} EtlLoadOptions;

typedef struct EtlUnloadOptions
{
	EtlCopyFormat format;
	EtlStoreAccess access;
	char *delimiter; /* never NULL */
	char *null;		 /* what NULL is written as */
	char *extension; /* replaces the one that the format and the compression give; NULL: keep that */
	uint64 max_file_size;
	bool header;
	bool add_quotes;
	bool escape;
	EtlCodec codec;
	bool manifest;
	bool allow_overwrite;
	bool serial; /* PARALLEL OFF: it only changes the names */
} EtlUnloadOptions;

extern void copy_load_options_read(const char *format, Jsonb *options, EtlLoadOptions *out);
extern void copy_unload_options_read(const char *format, Jsonb *options, EtlUnloadOptions *out);

#endif
