/*
 * run_memory.h
 *		palloc for fuzzers of code that leaves freeing to its caller's memory context: every allocation of a run is on a
 *		list and freed after it, or the fuzzer would run out of memory long before it found anything.
 *
 * Included by the one file of a fuzzer; it takes the place of libpgcommon's palloc.
 */
#ifndef ETL_FUZZ_RUN_MEMORY_H
#define ETL_FUZZ_RUN_MEMORY_H

#include "base/platform.h"

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

/* Everything that this run has allocated. */
static void
run_memory_free(void)
{
	while (run.next != &run)
		pfree(run.next + 1);
}

#endif
