/*
 * transaction.c
 *		BEGIN, COMMIT, ROLLBACK and their other names: the text stays, the kind tells the executor.
 */
#include "dialect/translate.h"

EtlFamilyResult
translate_transaction(EtlParser *parser, EtlTranslation *out)
{
	const EtlToken *first = &parser->tokens[0];
	const char *sql = parser->sql;

	if (lexer_is_word(sql, first, "begin"))
		out->kind = ETL_STATEMENT_BEGIN;
	else if (lexer_is_word(sql, first, "start"))
	{
		if (!parser_is_word(parser, "transaction"))
			return ETL_FAMILY_PASS;
		out->kind = ETL_STATEMENT_BEGIN;
	}
	else
	{
		bool commit = lexer_is_word(sql, first, "commit") || lexer_is_word(sql, first, "end");

		/* two-phase commit and savepoints don't end the transaction */
		if (!parser_accept_word(parser, "work"))
			parser_accept_word(parser, "transaction");
		if (parser_is_word(parser, "prepared") || parser_is_word(parser, "to"))
			return ETL_FAMILY_PASS;
		out->kind = commit ? ETL_STATEMENT_COMMIT : ETL_STATEMENT_ROLLBACK;
	}
	out->sql = pstrdup(sql);
	return ETL_FAMILY_DONE;
}
