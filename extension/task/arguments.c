/*
 * arguments.c
 *		The arguments of a resource. See arguments.h.
 */
#include "postgres.h"

#include "task/adapters.h"
#include "task/arguments.h"
#include "task/parameters.h"

static void
set_string(JsonbValue *value, const char *text)
{
	value->type = jbvString;
	value->val.string.val = (char *) text;
	value->val.string.len = strlen(text);
}

/* Replace each ${name} whose name is known. */
static char *
put_in_text(const char *text, const EtlParameters *parameters)
{
	StringInfoData result;

	initStringInfo(&result);
	while (*text)
	{
		const char *end = strncmp(text, "${", 2) == 0 ? strchr(text, '}') : NULL;
		const char *value =
			end == NULL ? NULL : parameters_lookup(pnstrdup(text + 2, end - text - 2), (void *) parameters);

		if (value != NULL)
		{
			appendStringInfoString(&result, value);
			text = end + 1;
		}
		else
			appendStringInfoChar(&result, *text++);
	}
	return result.data;
}

/* A string that is a key of the step's values becomes that value; one that has parameters in it gets their texts. */
static void
put_in_string(JsonbValue *string, Jsonb *values, const EtlParameters *parameters)
{
	char *text = pnstrdup(string->val.string.val, string->val.string.len);
	const char *value = text[0] == ':' ? parameters_lookup(text + 1, (void *) parameters) : NULL;
	JsonbValue *given = NULL;

	if (value != NULL && values != NULL)
		given = getKeyJsonValueFromContainer(&values->root, text + 1, strlen(text + 1), NULL);
	/* What the engine says of a step comes before a key of that name; it is a string. */
	if (given != NULL && given->type != jbvNull && strcmp(json_value_text(given), value) == 0)
		*string = *given;
	else
		set_string(string, value != NULL ? value : put_in_text(text, parameters));
}

static Jsonb *
put_in(const EtlStep *step)
{
	Jsonb *values = step_values(step);
	EtlParameters parameters = {0};
	JsonbIterator *iterator = JsonbIteratorInit(&step->arguments->root);
	JsonbParseState *state = NULL;
	JsonbValue *result = NULL;
	JsonbIteratorToken token;
	JsonbValue item;

	statement_parameters(step, &parameters);
	parameters.outputs_may_miss = true; /* a text may say ${…} to somebody else */
	while ((token = JsonbIteratorNext(&iterator, &item, false)) != WJB_DONE)
	{
		if ((token == WJB_VALUE || token == WJB_ELEM) && item.type == jbvString)
			put_in_string(&item, values, &parameters);
		result = pushJsonbValue(&state, token, token < WJB_BEGIN_ARRAY ? &item : NULL);
	}
	return JsonbValueToJsonb(result);
}

void
arguments_open(EtlArguments *arguments, const EtlStep *step)
{
	arguments->step = step;
	arguments->known = NIL;
	if (step->arguments != NULL && !JB_ROOT_IS_OBJECT(step->arguments))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("arguments of resource \"%s\" must be a JSON object", step->resource));
	arguments->values = step->arguments == NULL || step->is_notification ? step->arguments : put_in(step);
}

static JsonbValue *
argument_take(EtlArguments *arguments, const char *name)
{
	arguments->known = lappend(arguments->known, (char *) name);
	if (arguments->values == NULL)
		return NULL;
	return getKeyJsonValueFromContainer(&arguments->values->root, name, strlen(name), NULL);
}

char *
arguments_text(EtlArguments *arguments, const char *name, bool needed)
{
	JsonbValue *value = argument_take(arguments, name);
	char *text = value == NULL ? NULL : json_value_text(value);

	if (text == NULL && needed)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("resource \"%s\" needs argument \"%s\"", arguments->step->resource, name));
	return text;
}

Jsonb *
arguments_object(EtlArguments *arguments, const char *name)
{
	JsonbValue *value = argument_take(arguments, name);
	Jsonb *object;

	if (value == NULL || value->type == jbvNull)
		return NULL;
	object = JsonbValueToJsonb(value);
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("argument \"%s\" of resource \"%s\" must be a JSON object", name, arguments->step->resource));
	return object;
}

static bool
argument_known(const EtlArguments *arguments, const char *name)
{
	ListCell *lc;

	foreach (lc, arguments->known)
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

static char *
known_names(const EtlArguments *arguments)
{
	StringInfoData names;
	ListCell *lc;

	initStringInfo(&names);
	foreach (lc, arguments->known)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", (char *) lfirst(lc));
	return names.data;
}

void
arguments_close(EtlArguments *arguments)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;

	if (arguments->step->arguments == NULL)
		return;
	iterator = JsonbIteratorInit(&arguments->step->arguments->root);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		char *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(item.val.string.val, item.val.string.len);
		if (!argument_known(arguments, name))
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown argument \"%s\" of resource \"%s\"", name, arguments->step->resource),
					errhint("It takes %s.", known_names(arguments)));
	}
}
