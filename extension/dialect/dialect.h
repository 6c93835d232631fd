/*
 * dialect.h
 *		Redshift SQL in, PostgreSQL SQL out; no catalogue access.
 *
 * Pure: builds outside the server. A script is split into statements, parameters are put in, and each statement is
 * translated on its own. What the translator does not know goes through unchanged; what it knows it cannot keep
 * the meaning of is an error that names the construct and its place. It never guesses.
 */
#ifndef ETL_DIALECT_DIALECT_H
#define ETL_DIALECT_DIALECT_H

#include "base/error.h"
#include "base/platform.h"

typedef struct EtlStatement
{
	char *sql;	/* without the semicolon and surrounding white space and comments; never empty */
	int line;	/* 1-based line of the script it starts on */
	int offset; /* 0-based byte offset of its first byte in the script */
} EtlStatement;

typedef struct EtlScript
{
	EtlStatement *statements;
	int count;
} EtlScript;

/* Split at top-level semicolons. Quotes, dollar quotes, nested comments and BEGIN ATOMIC bodies hold theirs. */
extern bool dialect_split(const char *script, EtlScript *out, EtlError *error);

/* The value of a parameter, or NULL when there is none of that name. */
typedef const char *(*EtlParameterLookup)(const char *name, void *arg);

/*
 * Put parameters in: :name as is, :'name' as a quoted literal, :"name" as a quoted identifier, :{?name} as TRUE or
 * FALSE, lexed as psql does (not inside literals, comments or dollar quotes; `::` is a cast, `\:` a colon; an unknown
 * name is left as it stands). Beyond psql, :'task.key' with a dot in the quotes is a parameter too. A value is not looked into for further parameters.
 */
extern bool dialect_substitute(const char *sql, EtlParameterLookup lookup, void *arg, char **out,
							   EtlError *error);

/*
 * For SQL files that were written for another runner: ${name} and <name> are replaced as text, inside literals too,
 * where that very name is known. Do it before dialect_split.
 */
extern char *dialect_substitute_text(const char *sql, EtlParameterLookup lookup, void *arg);

typedef enum EtlStatementKind
{
	ETL_STATEMENT_OTHER,	/* anything that runs as it is translated */
	ETL_STATEMENT_BEGIN,	/* BEGIN, START TRANSACTION */
	ETL_STATEMENT_COMMIT,	/* COMMIT, END */
	ETL_STATEMENT_ROLLBACK, /* ROLLBACK, ABORT */
	ETL_STATEMENT_NOTHING	/* has no meaning here and nothing to run (SET query_group …) */
} EtlStatementKind;

typedef struct EtlTranslation
{
	EtlStatementKind kind;
	char *sql; /* PostgreSQL's SQL, one or more statements; "" for ETL_STATEMENT_NOTHING */
} EtlTranslation;

/*
 * Translate one statement (no trailing semicolon needed). On failure error->position is in `sql`, and the detail
 * names its line and column there.
 */
extern bool dialect_translate(const char *sql, EtlTranslation *out, EtlError *error);

/*
 * Name the place in the detail: error->position, in a text that starts `offset` bytes into `script`. For whoever
 * translates a statement of a script and wants the script's line in the message.
 */
extern void dialect_error_locate(EtlError *error, const char *script, int offset);

#endif
