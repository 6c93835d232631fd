/*
 * parameters.h
 *		The names and values that a script's parameters stand for.
 */
#ifndef ETL_TASK_PARAMETERS_H
#define ETL_TASK_PARAMETERS_H

#include "postgres.h"

#include "flow/adapter.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef struct EtlParameter
{
	char *name;
	char *value;
} EtlParameter;

typedef struct EtlParameters
{
	List *items; /* of EtlParameter, the latest first; it is the latest of a name that counts */
	const EtlStep *outputs_of; /* other names that have a dot are outputs of this step's run; NULL: of none */
	bool outputs_may_miss;	   /* such a name that is of no task is no parameter, and no error */
} EtlParameters;

/*
 * Add the keys of a JSON object; NULL: nothing. Strings as they are, anything else as its JSON text, null not at all.
 * Raises 22023 when it isn't an object.
 */
extern void parameters_add_json(EtlParameters *parameters, Jsonb *values);
extern void parameters_add(EtlParameters *parameters, const char *name, const char *value);
/* An EtlParameterLookup; arg is the EtlParameters. */
extern const char *parameters_lookup(const char *name, void *arg);

/* A JSON value as text: a string's content, or the text of anything else. NULL for null. */
extern char *json_value_text(JsonbValue *value);

#endif
