/*
 * options_value.h
 *		Options as a table: what each key of the JSON object is, which formats have it, where its value goes.
 *
 * What a table can't say is checked by the two that have one, options_load.c and options_unload.c. No message shows a
 * value of "credentials", nor one under an unknown key: it may be a secret.
 */
#ifndef ETL_COPY_OPTIONS_VALUE_H
#define ETL_COPY_OPTIONS_VALUE_H

#include "postgres.h"

#include "copy/options.h"

typedef enum EtlCopyOptionKind
{
	COPY_OPTION_BOOL,
	COPY_OPTION_SWITCH,	 /* bool; also "on", "off", "true", "false" and `word`, which counts as on */
	COPY_OPTION_INTEGER, /* int64 */
	COPY_OPTION_SIZE,	 /* int64, of bytes */
	COPY_OPTION_TEXT,
	COPY_OPTION_LIST,		/* List of char * */
	COPY_OPTION_CREDENTIALS /* an object of keys */
} EtlCopyOptionKind;

#define COPY_FORMAT(format) (1 << (format))
#define COPY_DELIMITED (COPY_FORMAT(ETL_COPY_TEXT) | COPY_FORMAT(ETL_COPY_CSV))
#define COPY_LINES (COPY_DELIMITED | COPY_FORMAT(ETL_COPY_FIXEDWIDTH))
#define COPY_NO_FORMAT (1 << 30) /* of those that are served */

#define COPY_OPTION_NOWHERE SIZE_MAX /* the offset of what has no meaning here */

typedef struct EtlCopyOption
{
	const char *name;
	EtlCopyOptionKind kind;
	size_t offset;
	int formats;			/* COPY_FORMAT(…) of those that have it; 0: all */
	const char *word;		/* SWITCH */
	int64 minimum, maximum; /* INTEGER, SIZE */
	const char *range;		/* these two in words: "from 0 to 100000" */
} EtlCopyOption;

/* Two options that can't be used together. */
typedef struct EtlCopyOptionPair
{
	const char *first;
	const char *second;
} EtlCopyOptionPair;

typedef struct EtlCopyOptionTable
{
	const EtlCopyOption *options;
	int count;
	const EtlCopyOptionPair *pairs;
	int pair_count;
} EtlCopyOptionTable;

/* Of etl.load and of etl.unload. */
extern const EtlCopyOptionTable copy_load_option_table;
extern const EtlCopyOptionTable copy_unload_option_table;

/* NULL: there is none of this name. */
extern const EtlCopyOption *copy_option_find(const EtlCopyOptionTable *table, const char *name);

/* One option a bit; what is null, or false, isn't given. */
typedef uint64 EtlCopyOptionsGiven;

/* Read all keys into `out`. */
extern EtlCopyOptionsGiven copy_options_read(const EtlCopyOptionTable *table, Jsonb *options, void *out);
/* Raise what doesn't go with the format, or with another option. */
extern void copy_options_check(const EtlCopyOptionTable *table, EtlCopyOptionsGiven given,
							   EtlCopyFormat format);
/* Raise when `name` is given without `needed`. */
extern void copy_options_require(const EtlCopyOptionTable *table, EtlCopyOptionsGiven given, const char *name,
								 const char *needed);

extern const char *copy_format_name(EtlCopyFormat format);
/* `operation`: "loading", "unloading". XML isn't written. */
extern EtlCopyFormat copy_format_read(const char *format, const char *operation, bool xml);

/* What both operations have. */
typedef struct EtlCopyCompression
{
	bool gzip;
	bool bzip2;
	bool lzop;
	bool zstd;
} EtlCopyCompression;

extern EtlCodec copy_codec_chosen(const EtlCopyCompression *compression);
/* A character of CSV: one byte, of ASCII. '\"', Redshift's, is the quote itself. NULL: `fallback`. */
extern char copy_character_read(const char *name, const char *written, char fallback);
/* A delimiter as Redshift writes it: \t, \001, several characters; UTF-8. NULL: the format's own. */
extern char *copy_delimiter_read(const char *written, EtlCopyFormat format);
/* 'label:width,label:width'. */
extern EtlFixedColumn *copy_fixed_columns_read(const char *spec, int *count);

#endif
