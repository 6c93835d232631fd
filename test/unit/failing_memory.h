/*
 * failing_memory.h
 *		Allocations that fail: the n-th of a run, of palloc as of malloc, also where a library makes it.
 *
 *		memory_begin(n);
 *		if (sigsetjmp(memory_error, 0) == 0)
 *			… what is tested …
 *		if (!memory_end())
 *			… it has made less than n allocations …
 *
 * A palloc that fails jumps to memory_error, as in the server it raises an error; what was palloc'd until then is freed
 * by memory_end, as by the reset of a memory context. A malloc that fails returns NULL; strdup never
 * fails, since json-c looks at no result of it. What is left of malloc is a leak,
 * and so is a palloc that fails while a library is on the stack (memory_library_enter): its frames would be lost.
 *
 * Included by the one file of a program: it takes the place of libpgcommon's palloc and of the C library's malloc, and
 * hands on to the address sanitizer's.
 */
#ifndef ETL_TEST_FAILING_MEMORY_H
#define ETL_TEST_FAILING_MEMORY_H

#include "base/platform.h"

#include <setjmp.h>

extern void *__interceptor_malloc(size_t size);
extern void *__interceptor_calloc(size_t count, size_t size);
extern void *__interceptor_realloc(void *pointer, size_t size);
extern void __interceptor_free(void *pointer);

#define MEMORY_MOST 4096 /* mallocs at the same time */

typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *previous;
} Chunk;

static sigjmp_buf memory_error;
static Chunk memory_chunks = {&memory_chunks, &memory_chunks};
static void *memory_live[MEMORY_MOST];
static int memory_nlive;
static int memory_left; /* allocations until one fails; 0: none does */
static bool memory_counts;
static bool memory_failed;
static int memory_in_library;
static bool memory_jumped_out; /* of a library */

/* Is it this one's turn to fail? */
static bool
memory_fails(void)
{
	if (!memory_counts || memory_left == 0 || --memory_left > 0)
		return false;
	return memory_failed = true;
}

/* ---- malloc ---- */

static void *
memory_note(void *pointer)
{
	if (memory_counts && pointer != NULL)
	{
		if (memory_nlive == MEMORY_MOST)
			abort();
		memory_live[memory_nlive++] = pointer;
	}
	return pointer;
}

static void
memory_forget(const void *pointer)
{
	for (int i = memory_nlive - 1; i >= 0; i--)
		if (memory_live[i] == pointer)
		{
			memory_live[i] = memory_live[--memory_nlive];
			return;
		}
}

void *
malloc(size_t size)
{
	return memory_fails() ? NULL : memory_note(__interceptor_malloc(size));
}

void *
calloc(size_t count, size_t size)
{
	return memory_fails() ? NULL : memory_note(__interceptor_calloc(count, size));
}

void *
realloc(void *pointer, size_t size)
{
	if (memory_fails())
		return NULL;
	memory_forget(pointer);
	return memory_note(__interceptor_realloc(pointer, size));
}

void
free(void *pointer)
{
	memory_forget(pointer);
	__interceptor_free(pointer);
}

/* ---- palloc ---- */

static void
memory_raise(void)
{
	memory_jumped_out = memory_in_library > 0;
	siglongjmp(memory_error, 1);
}

static void *
chunk_add(Chunk *chunk)
{
	chunk->next = &memory_chunks;
	chunk->previous = memory_chunks.previous;
	chunk->previous->next = chunk;
	memory_chunks.previous = chunk;
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
	if (memory_fails())
		memory_raise();
	return chunk_add(__interceptor_malloc(sizeof(Chunk) + size));
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
repalloc(void *pointer, Size size)
{
	if (memory_fails())
		memory_raise();
	return chunk_add(__interceptor_realloc(chunk_take(pointer), sizeof(Chunk) + size));
}

void
pfree(void *pointer)
{
	__interceptor_free(chunk_take(pointer));
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

/* ---- a run ---- */

static void
memory_begin(int n)
{
	memory_left = n;
	memory_nlive = 0;
	memory_failed = memory_jumped_out = false;
	memory_in_library = 0;
	memory_counts = true;
}

/* Has an allocation failed? memory_nlive is what is left of malloc. */
static bool
memory_end(void)
{
	memory_counts = false;
	while (memory_chunks.next != &memory_chunks)
		pfree(memory_chunks.next + 1);
	return memory_failed;
}

#endif
