/*
 * protocol_query.c
 *		The query protocol: a request is a form. See protocol.h.
 *
 * By the rule a structure's member is Parent.Member, an item of a list Parent.member.1, an entry of a map
 * Parent.entry.1.key and .value. EC2 has no "member" in between, and capital letters. What a service has otherwise is in
 * its tables (names.h).
 */
#include "aws/protocol.h"
#include "aws/sigv4.h"

typedef struct Form
{
	const EtlAwsService *service;
	EtlHttpField *fields;
	int nfields;
	int capacity;
	const char *refused; /* the name of what can't be written */
} Form;

static void
form_add(Form *form, const char *name, const char *value)
{
	if (form->nfields == form->capacity)
	{
		form->capacity *= 2;
		form->fields = repalloc(form->fields, form->capacity * sizeof(EtlHttpField));
	}
	form->fields[form->nfields++] = (EtlHttpField){name, value};
}

static void form_value(Form *form, const char *name, const char *path, const EtlAwsValue *value,
					   const char *kind);

static void
form_list(Form *form, const char *name, const char *path, const EtlAwsValue *list, const char *item)
{
	if (list->count == 0 && form->service->protocol == AWS_PROTOCOL_QUERY)
		form_add(form, name, "");
	for (int i = 0; i < list->count; i++)
	{
		const char *part = form->service->protocol == AWS_PROTOCOL_EC2
							   ? psprintf("%s.%d", name, i + 1)
							   : psprintf("%s.%s.%d", name, item, i + 1);

		if (list->items[i].kind == AWS_VALUE_ARRAY)
			form->refused = name;
		else
			form_value(form, part, path, &list->items[i], NULL);
	}
}

static void
form_map(Form *form, const char *name, const char *path, const EtlAwsValue *map, const char *kind)
{
	const char *equals = strchr(kind, '=');

	for (int i = 0; i < map->count; i++)
	{
		char *entry = psprintf("%s.entry.%d", name, i + 1);

		form_add(form, psprintf("%s.%.*s", entry, (int) (equals - kind), kind), map->items[i].name);
		form_value(form, psprintf("%s.%s", entry, equals + 1), path, &map->items[i], NULL);
	}
}

static void
form_structure(Form *form, const char *name, const char *path, const EtlAwsValue *structure)
{
	for (int i = 0; i < structure->count; i++)
	{
		const EtlAwsValue *member = &structure->items[i];
		char *below = psprintf("%s.%s", path, member->name);
		const EtlAwsName *row =
			names_find(form->service->names->requests, form->service->names->nrequests, below);
		char *written = pstrdup(row != NULL && row->name != NULL ? row->name : member->name);

		if (form->service->protocol == AWS_PROTOCOL_EC2)
			written[0] = pg_ascii_toupper((unsigned char) written[0]);
		form_value(form, *name ? psprintf("%s.%s", name, written) : written, below, member,
				   row != NULL ? row->kind : NULL);
	}
}

static void
form_value(Form *form, const char *name, const char *path, const EtlAwsValue *value, const char *kind)
{
	bool map = kind != NULL && strchr(kind, '=') != NULL;

	switch (value->kind)
	{
		case AWS_VALUE_NULL:
			break;
		case AWS_VALUE_SCALAR:
		case AWS_VALUE_STRING:
			form_add(form, name, value->text);
			break;
		case AWS_VALUE_ARRAY:
			if (map)
				form->refused = name;
			else
				form_list(form, name, path, value, kind != NULL ? kind : "member");
			break;
		case AWS_VALUE_OBJECT:
			if (map)
				form_map(form, name, path, value, kind);
			else if (kind != NULL)
				form->refused = name;
			else
				form_structure(form, name, path, value);
			break;
	}
}

bool
protocol_query_write(const EtlAwsService *service, const char *action, const EtlAwsValue *input,
					 EtlAwsMessage *out, EtlError *error)
{
	Form form = {.service = service, .fields = palloc(16 * sizeof(EtlHttpField)), .capacity = 16};

	form_add(&form, "Action", action);
	form_add(&form, "Version", service->version);
	form_structure(&form, "", action, input);
	if (form.refused != NULL)
	{
		etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE,
					  "member \"%s\" of the input of \"%s:%s\" has the wrong shape", form.refused,
					  service->name, action);
		etl_error_detail(error, "AWS has a list where this is an object, or the other way around.");
		return false;
	}
	out->method = "POST";
	out->path = pstrdup("/");
	out->headers[0] = (EtlHttpField){"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"};
	out->nheaders = 1;
	out->body = sigv4_query_string(form.fields, form.nfields);
	return true;
}
