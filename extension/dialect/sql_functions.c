/*
 * sql_functions.c
 *		etl.translate: the dialect as a SQL function, for people who want to see what runs.
 */
#include "postgres.h"

#include "dialect/dialect.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(pg_etl_translate);

Datum
pg_etl_translate(PG_FUNCTION_ARGS)
{
	const char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext statement; /* reset for each one: a script may have any number */
	StringInfoData result;
	EtlScript script;
	EtlError error;

	if (!dialect_split(sql, &script, &error))
		etl_error_raise(&error);
	initStringInfo(&result);
	statement = AllocSetContextCreate(caller, "etl.translate statement", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < script.count; i++)
	{
		EtlTranslation translation;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(statement);
		MemoryContextSwitchTo(statement);
		if (!dialect_translate(script.statements[i].sql, &translation, &error))
		{
			dialect_error_locate(&error, sql, script.statements[i].offset);
			etl_error_raise(&error);
		}
		MemoryContextSwitchTo(caller);
		if (translation.sql[0] == '\0')
			continue;
		if (result.len > 0)
			appendStringInfoString(&result, ";\n");
		appendStringInfoString(&result, translation.sql);
	}
	MemoryContextDelete(statement);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(result.data, result.len));
}
