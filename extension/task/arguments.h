/*
 * arguments.h
 *		The arguments of a resource: taken one by one; one that nobody has taken is unknown.
 *
 * Their strings, at any depth, have the parameters that a statement has: ":name", the whole of a string, is the value,
 * whatever its type; ${name} in a string is its text. (A colon within text is too common for more: an ARN is full of
 * them.) An unknown name is left as it stands; a value is not looked into for further parameters.
 */
#ifndef ETL_TASK_ARGUMENTS_H
#define ETL_TASK_ARGUMENTS_H

#include "postgres.h"

#include "flow/adapter.h"
#include "nodes/pg_list.h"

typedef struct EtlArguments
{
	const EtlStep *step;
	Jsonb *values; /* with their parameters put in; NULL: none were given */
	List *known; /* names taken so far */
} EtlArguments;

extern void arguments_open(EtlArguments *arguments, const EtlStep *step);
/* A string, or the JSON text of anything else; NULL when it isn't there. Raises 22023 when it must be. */
extern char *arguments_text(EtlArguments *arguments, const char *name, bool needed);
/* An object; NULL when it isn't there. */
extern Jsonb *arguments_object(EtlArguments *arguments, const char *name);
/* Raises 22023 for an argument that has not been taken. */
extern void arguments_close(EtlArguments *arguments);

#endif
