/*
 * lexer.h
 *		Redshift SQL as tokens with byte positions.
 *
 * The lexer reads from a C string and allocates nothing; a token is a range of that string. White space and comments
 * are no tokens: they are what lies between two tokens, and stay where they are when a statement is rewritten.
 *
 * Redshift's literals are those of PostgreSQL 8.0: in '…' a backslash is an escape. That alone makes 'C:\' an open
 * literal here and a closed one in PostgreSQL.
 */
#ifndef ETL_DIALECT_LEXER_H
#define ETL_DIALECT_LEXER_H

#include "base/error.h"
#include "base/platform.h"

typedef enum EtlTokenKind
{
	ETL_TOKEN_END,		 /* an empty range where the text ends */
	ETL_TOKEN_WORD,		 /* unquoted identifier or keyword */
	ETL_TOKEN_QUOTED,	 /* "…", U&"…" */
	ETL_TOKEN_NUMBER,	 /* 1, 1.5e3, .5 */
	ETL_TOKEN_STRING,	 /* '…', backslash is an escape */
	ETL_TOKEN_ESCAPE,	 /* E'…' */
	ETL_TOKEN_VERBATIM,	 /* U&'…', B'…', X'…', N'…': backslash is not a C escape */
	ETL_TOKEN_DOLLAR,	 /* $tag$…$tag$ */
	ETL_TOKEN_PARAMETER, /* $1 */
	ETL_TOKEN_OPERATOR	 /* "::" and ":=", otherwise one byte */
} EtlTokenKind;

typedef struct EtlToken
{
	EtlTokenKind kind;
	int start; /* 0-based, first byte */
	int end;   /* one past the last */
} EtlToken;

typedef struct EtlLexer
{
	const char *sql;
	int position; /* where the next token is looked for; a caller may move it */
} EtlLexer;

extern void lexer_init(EtlLexer *lexer, const char *sql);
/* false: an unclosed literal, identifier or comment; the error names its line and column. */
extern bool lexer_next(EtlLexer *lexer, EtlToken *token, EtlError *error);

/* All tokens of a text, the last one ETL_TOKEN_END; NULL on failure. */
extern EtlToken *lexer_tokens(const char *sql, int *count, EtlError *error);

/* The token is this unquoted word (given in lower case), whatever its letter case. */
extern bool lexer_is_word(const char *sql, const EtlToken *token, const char *word);
/* The token is this operator or punctuation. */
extern bool lexer_is_operator(const char *sql, const EtlToken *token, const char *text);

/* Part of an unquoted identifier: what must not touch a literal's prefix. */
extern bool lexer_is_identifier_byte(unsigned char c);

#endif
