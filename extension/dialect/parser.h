/*
 * parser.h
 *		A cursor over a statement's tokens, and the pieces that every family of statements is made of.
 *
 * parser_accept_… takes what stands at the cursor if it is that, parser_expect_… fails with a syntax error if it
 * isn't. A syntax error names a word or an operator, never the content of a literal: it may be a secret.
 */
#ifndef ETL_DIALECT_PARSER_H
#define ETL_DIALECT_PARSER_H

#include "dialect/lexer.h"

typedef struct EtlParser
{
	const char *sql;
	const EtlToken *tokens; /* the last one is ETL_TOKEN_END */
	int next;				/* the token at the cursor; never goes beyond the last */
	EtlError *error;
} EtlParser;

extern const EtlToken *parser_token(const EtlParser *parser);
extern const EtlToken *parser_peek(const EtlParser *parser, int ahead);
extern void parser_advance(EtlParser *parser);

extern bool parser_is_word(const EtlParser *parser, const char *word);
extern bool parser_is_operator(const EtlParser *parser, const char *text);
extern bool parser_accept_word(EtlParser *parser, const char *word);
/* All of the words, given with one space between two, or none. */
extern bool parser_accept_words(EtlParser *parser, const char *words);
extern bool parser_accept_operator(EtlParser *parser, const char *text);
extern bool parser_expect_word(EtlParser *parser, const char *word);
extern bool parser_expect_operator(EtlParser *parser, const char *text);
extern bool parser_expect_end(EtlParser *parser);

/* '…' or $$…$$, decoded as an option's value. */
extern bool parser_is_string(const EtlParser *parser);
extern bool parser_expect_string(EtlParser *parser, const char *what, char **value);

/* One identifier as the catalogs hold it: folded, or without its quotes. */
extern bool parser_expect_identifier(EtlParser *parser, const char *what, char **name);
/* a.b.c as it is written, less white space; #t becomes "#t". */
extern bool parser_expect_name(EtlParser *parser, const char *what, char **name);

/* Past the bracket that closes the one at the cursor. */
extern bool parser_skip_brackets(EtlParser *parser);

/* Fail at the cursor: "syntax error at or near …", with what was expected as the hint. */
extern bool parser_fail(EtlParser *parser, const char *expected);
/* Fail at a token with an error that etl_error_set has filled. Returns false. */
extern bool parser_fail_at(EtlParser *parser, const EtlToken *token);

#endif
