/*
 * dialect_fuzz.c
 *		Any bytes as a Redshift script: split, substituted, translated. What comes out must lex again, and what has
 *		no parameter must come out as it went in.
 */
#include "dialect/dialect.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static const char *
nothing_known(const char *name, void *arg)
{
	return NULL;
}

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
translate_script(const char *text)
{
	EtlScript script;
	EtlScript again;
	EtlError error;

	if (!dialect_split(text, &script, &error))
	{
		check(error.sqlstate != 0 && error.position >= 1 && error.position <= (int) strlen(text) + 1);
		return;
	}
	for (int i = 0; i < script.count; i++)
	{
		const EtlStatement *statement = &script.statements[i];
		EtlTranslation out;

		check(statement->sql[0] != '\0' && statement->line >= 1);
		check(strncmp(text + statement->offset, statement->sql, strlen(statement->sql)) == 0);
		if (dialect_translate(statement->sql, &out, &error))
			check(dialect_split(out.sql, &again, &error));
		else
			check(error.sqlstate != 0 && error.position >= 1 && error.detail[0] != '\0' &&
				  error.position <= (int) strlen(statement->sql) + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char *text = pnstrdup((const char *) data, size);
	char *substituted;
	EtlError error;

	translate_script(text);
	if (strstr(text, ":{?") == NULL && dialect_substitute(text, nothing_known, NULL, &substituted, &error))
		check(strcmp(substituted, text) == 0);
	check(strcmp(dialect_substitute_text(text, nothing_known, NULL), text) == 0);

	run_memory_free();
	return 0;
}
