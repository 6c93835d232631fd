/*
 * dialect_fuzz.c
 *		Any bytes as a Redshift script: split, substituted, translated. What comes out must lex again, and what has
 *		no parameter must come out as it went in.
 *
 * The dialect leaves freeing to its caller's memory context. Here every allocation of a run is on a list and freed
 * after it, or the fuzzer would run out of memory long before it found anything.
 */
#include "dialect/dialect.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *previous;
} Chunk;

static Chunk run = {&run, &run};

static void *
chunk_add(Chunk *chunk)
{
	if (chunk == NULL)
		abort();
	chunk->next = &run;
	chunk->previous = run.previous;
	chunk->previous->next = chunk;
	run.previous = chunk;
	return chunk + 1;
}

static Chunk *
chunk_take(void *pointer)
{
	Chunk *chunk = (Chunk *) pointer - 1;

	chunk->previous->next = chunk->next;
	chunk->next->previous = chunk->previous;
	return chunk;
}

void *
palloc(Size size)
{
	return chunk_add(malloc(sizeof(Chunk) + size));
}

void *
palloc0(Size size)
{
	return chunk_add(calloc(1, sizeof(Chunk) + size));
}

void *
repalloc(void *pointer, Size size)
{
	return chunk_add(realloc(chunk_take(pointer), sizeof(Chunk) + size));
}

void
pfree(void *pointer)
{
	free(chunk_take(pointer));
}

char *
pnstrdup(const char *in, Size size)
{
	char *out = palloc(strnlen(in, size) + 1);

	out[strnlen(in, size)] = '\0';
	return memcpy(out, in, strnlen(in, size));
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

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

	while (run.next != &run)
		pfree(run.next + 1);
	return 0;
}
