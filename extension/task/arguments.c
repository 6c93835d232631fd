/*
 * arguments.c
 *		The arguments of a resource. See arguments.h.
 */
#include "postgres.h"

#include "task/arguments.h"
#include "task/parameters.h"

void
arguments_open(EtlArguments *arguments, const EtlStep *step)
{
	arguments->step = step;
	arguments->known = NIL;
	if (step->arguments != NULL && !JB_ROOT_IS_OBJECT(step->arguments))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("arguments of resource \"%s\" must be a JSON object", step->resource));
}

static JsonbValue *
argument_take(EtlArguments *arguments, const char *name)
{
	arguments->known = lappend(arguments->known, (char *) name);
	if (arguments->step->arguments == NULL)
		return NULL;
	return getKeyJsonValueFromContainer(&arguments->step->arguments->root, name, strlen(name), NULL);
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
