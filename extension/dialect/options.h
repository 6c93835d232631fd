/*
 * options.h
 *		The option lists of COPY and UNLOAD: any order, any letter case, AS or not.
 *
 * A command says in tables which options it has, which exclude one another, and what a format leaves allowed; the
 * parsing, the checks and the messages are the same for both.
 */
#ifndef ETL_DIALECT_OPTIONS_H
#define ETL_DIALECT_OPTIONS_H

#include "dialect/authorization.h"

typedef enum EtlOptionKind
{
	ETL_OPTION_FLAG,	  /* NAME [word] */
	ETL_OPTION_SWITCH,	  /* NAME [ON | TRUE | OFF | FALSE | word] */
	ETL_OPTION_STRING,	  /* NAME [AS] '…' */
	ETL_OPTION_DEFAULTED, /* NAME [AS] ['…'] */
	ETL_OPTION_WORD,	  /* NAME [AS] word | 'word' */
	ETL_OPTION_INTEGER,	  /* NAME [AS] n */
	ETL_OPTION_SIZE,	  /* NAME [AS] n [MB | GB], in bytes */
	ETL_OPTION_COLUMNS,	  /* NAME (column, …) [word] */
	ETL_OPTION_REFUSED	  /* known, and not supported */
} EtlOptionKind;

typedef struct EtlOptionRule
{
	const char *name; /* as documented, in capitals */
	EtlOptionKind kind;
	const char *key;		/* its member of the options; NULL: none (it only names a format) */
	const char *format;		/* what etl.load or etl.unload call the format that it names, or NULL */
	const char *word;		/* FLAG, SWITCH, COLUMNS: a word that may follow; DEFAULTED: the default */
	const char *word_key;	/* FLAG, COLUMNS: the member that this word becomes */
	int64 minimum, maximum; /* INTEGER, SIZE */
} EtlOptionRule;

/* `option` can't be used with any of `others` (commas between), or, if `only`, with anything but these. */
typedef struct EtlOptionConflict
{
	const char *option;
	bool only;
	const char *others;
} EtlOptionConflict;

typedef struct EtlOption
{
	const EtlToken *token; /* where it stands; NULL: not given */
	char *text;			   /* STRING, DEFAULTED, WORD, a SWITCH's word; COLUMNS: a JSON array */
	int64 number;		   /* INTEGER, SIZE; SWITCH: 0 or 1 */
	bool word;			   /* the rule's word was there */
} EtlOption;

typedef struct EtlOptions
{
	const char *command; /* "COPY", "UNLOAD" */
	const EtlOptionRule *rules;
	int count;
	const EtlOptionConflict *conflicts;
	int conflict_count;
	EtlOption *given; /* one a rule */
	EtlAuthorization authorization;
} EtlOptions;

/* Parse up to the end of the statement and check. The caller has filled all but given and authorization. */
extern bool options_parse(EtlParser *parser, EtlOptions *options);
/* (a, b) as the text of a JSON array. */
extern bool options_parse_columns(EtlParser *parser, char **array);
/* Where the option of this name stands, or NULL. */
extern const EtlToken *options_find(const EtlOptions *options, const char *name);
/* Fails when `option` is there and `needed` isn't. */
extern bool options_require(EtlParser *parser, const EtlOptions *options, const char *option,
							const char *needed);
/* The format that is named, or "text". */
extern const char *options_format(const EtlOptions *options);
/* The members, authorization last, into an object that is open. */
extern void options_append(StringInfo json, const EtlOptions *options);

#endif
