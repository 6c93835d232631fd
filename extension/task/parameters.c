/*
 * parameters.c
 *		A script's parameters. See parameters.h.
 */
#include "postgres.h"

#include "task/output.h"
#include "task/parameters.h"

char *
json_value_text(JsonbValue *value)
{
	Jsonb *json;

	if (value->type == jbvNull)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	json = JsonbValueToJsonb(value);
	return JsonbToCString(NULL, &json->root, VARSIZE(json));
}

void
parameters_add(EtlParameters *parameters, const char *name, const char *value)
{
	EtlParameter *parameter = palloc(sizeof(EtlParameter));

	parameter->name = pstrdup(name);
	parameter->value = pstrdup(value);
	parameters->items = lcons(parameter, parameters->items);
}

void
parameters_add_json(EtlParameters *parameters, Jsonb *values)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;
	char *name = NULL;

	if (values == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(values))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("parameters must be a JSON object"),
				errhint("For example '{\"ds\": \"2026-11-20\"}'."));
	iterator = JsonbIteratorInit(&values->root);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(item.val.string.val, item.val.string.len);
		else if (token == WJB_VALUE)
		{
			char *value = json_value_text(&item);

			if (value != NULL)
				parameters_add(parameters, name, value);
		}
	}
}

const char *
parameters_lookup(const char *name, void *arg)
{
	const EtlParameters *parameters = arg;
	ListCell *lc;

	foreach (lc, parameters->items)
	{
		const EtlParameter *parameter = lfirst(lc);

		if (strcmp(parameter->name, name) == 0)
			return parameter->value;
	}
	if (parameters->outputs_of != NULL && strchr(name, '.') != NULL)
		return output_text(parameters->outputs_of, name, parameters->outputs_may_miss);
	return NULL;
}
