/*
 * split.c
 *		A script into statements, at the semicolons that end one.
 *
 * A semicolon inside parentheses (CREATE RULE) or in the BEGIN ATOMIC body of a routine doesn't, as in psql.
 */
#include "dialect/dialect.h"
#include "dialect/lexer.h"

/* What of a statement decides whether a semicolon ends it. */
typedef struct StatementState
{
	int words;		 /* so far, up to the few that say what it is */
	bool is_create;	 /* CREATE … */
	bool is_routine; /* … [OR REPLACE] FUNCTION | PROCEDURE */
	int parentheses;
	int blocks; /* open BEGIN and CASE of a routine's body */
} StatementState;

static void
state_add(StatementState *state, const char *sql, const EtlToken *token)
{
	if (lexer_is_operator(sql, token, "("))
		state->parentheses++;
	else if (lexer_is_operator(sql, token, ")") && state->parentheses > 0)
		state->parentheses--;
	else if (token->kind != ETL_TOKEN_WORD || state->parentheses > 0)
		return;
	else if (state->is_routine)
	{
		if (lexer_is_word(sql, token, "begin") || (state->blocks > 0 && lexer_is_word(sql, token, "case")))
			state->blocks++;
		else if (state->blocks > 0 && lexer_is_word(sql, token, "end"))
			state->blocks--;
	}
	else if (state->words < 4)
	{
		if (state->words == 0)
			state->is_create = lexer_is_word(sql, token, "create");
		else if (state->is_create &&
				 (lexer_is_word(sql, token, "function") || lexer_is_word(sql, token, "procedure")))
			state->is_routine = true;
		state->words++;
	}
}

static int
count_lines(const char *from, const char *to)
{
	int lines = 0;

	while ((from = memchr(from, '\n', to - from)) != NULL)
	{
		lines++;
		from++;
	}
	return lines;
}

bool
dialect_split(const char *script, EtlScript *out, EtlError *error)
{
	EtlLexer lexer;
	EtlToken token;
	StatementState state = {0};
	int capacity = 8;
	int start = -1; /* of the statement being read */
	int end = 0;	/* of its last token */
	int line = 1;
	int counted = 0; /* `line` is the line of this offset */

	out->statements = palloc(capacity * sizeof(EtlStatement));
	out->count = 0;
	lexer_init(&lexer, script);
	do
	{
		bool ends;

		if (!lexer_next(&lexer, &token, error))
			return false;
		ends = token.kind == ETL_TOKEN_END ||
			   (lexer_is_operator(script, &token, ";") && state.parentheses == 0 && state.blocks == 0);
		if (!ends)
		{
			if (start < 0)
				start = token.start;
			end = token.end;
			state_add(&state, script, &token);
			continue;
		}
		if (start < 0)
			continue;
		if (out->count == capacity)
		{
			capacity *= 2;
			out->statements = repalloc(out->statements, capacity * sizeof(EtlStatement));
		}
		line += count_lines(script + counted, script + start);
		counted = start;
		out->statements[out->count++] = (EtlStatement){
			.sql = pnstrdup(script + start, end - start),
			.line = line,
			.offset = start,
		};
		start = -1;
		state = (StatementState){0};
	} while (token.kind != ETL_TOKEN_END);
	return true;
}
