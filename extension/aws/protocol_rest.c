/*
 * protocol_rest.c
 *		REST with JSON: members of the input go into the path, the query, headers and the body. See protocol.h.
 */
#include "aws/protocol.h"
#include "aws/sigv4.h"

typedef struct Parts
{
	const EtlAwsService *service;
	const EtlAwsRest *rest;
	const EtlAwsValue *input;
	bool *taken; /* which members of the input have their place */
	EtlAwsMessage *out;
	EtlError *error;
} Parts;

static bool
refuse(const Parts *parts, const char *member, const char *detail)
{
	etl_error_set(parts->error, ERRCODE_INVALID_PARAMETER_VALUE,
				  "invalid member \"%s\" of the input of \"%s:%s\"", member, parts->service->name,
				  parts->rest->action);
	etl_error_detail(parts->error, "%s", detail);
	return false;
}

/* The member by its name up to `length`; NULL: it isn't there, or null. */
static const EtlAwsValue *
take(const Parts *parts, const char *name, size_t length)
{
	for (int i = 0; i < parts->input->count; i++)
	{
		const EtlAwsValue *member = &parts->input->items[i];

		if (strncmp(member->name, name, length) == 0 && member->name[length] == '\0')
		{
			parts->taken[i] = true;
			return member->kind == AWS_VALUE_NULL ? NULL : member;
		}
	}
	return NULL;
}

/* Text for a path, a query or a header. */
static bool
check_text(const Parts *parts, const char *member, const EtlAwsValue *value)
{
	if (value->kind != AWS_VALUE_STRING && value->kind != AWS_VALUE_SCALAR)
		return refuse(parts, member, "It is to be a string, a number or a boolean.");
	for (const unsigned char *c = (const unsigned char *) value->text; *c; c++)
		if (*c < 0x20 || *c == 0x7F)
			return refuse(parts, member, "It holds a control character.");
	return true;
}

static bool
put_path(const Parts *parts)
{
	const char *at = parts->rest->path;
	StringInfoData path;

	initStringInfo(&path);
	while (*at && *at != '?')
	{
		const char *end = *at == '{' ? strchr(at, '}') : NULL;
		const EtlAwsValue *value;
		char *name;

		if (end == NULL)
		{
			appendStringInfoChar(&path, *at++);
			continue;
		}
		name = pnstrdup(at + 1, end - at - 1);
		value = take(parts, name, strlen(name));
		if (value == NULL)
			return refuse(parts, name, "It is missing.");
		if (!check_text(parts, name, value))
			return false;
		if (strcmp(value->text, "") == 0 || strcmp(value->text, ".") == 0 || strcmp(value->text, "..") == 0)
			return refuse(parts, name, "It makes another path.");
		sigv4_encode(&path, value->text, false);
		at = end + 1;
	}
	parts->out->path = path.data;
	return true;
}

static void
add_query(EtlAwsMessage *out, const char *name, const char *value)
{
	if (out->query == NULL)
		out->query = palloc(sizeof(EtlHttpField));
	else
		out->query = repalloc(out->query, (out->nquery + 1) * sizeof(EtlHttpField));
	out->query[out->nquery++] = (EtlHttpField){name, value};
}

bool
protocol_next_name(const char **list, char **member, char **name)
{
	const char *at = *list;
	size_t length = strcspn(at, " ");
	size_t first = strcspn(at, "= ");

	if (length == 0)
		return false;
	*member = pnstrdup(at, first);
	*name = first < length ? pnstrdup(at + first + 1, length - first - 1) : *member;
	*list = at + length + (at[length] == ' ');
	return true;
}

static bool
put_query(const Parts *parts)
{
	const char *list = parts->rest->query != NULL ? parts->rest->query : "";
	const char *fixed = strchr(parts->rest->path, '?');
	char *member, *name;

	if (fixed != NULL)
	{
		const char *equals = strchr(fixed, '=');

		add_query(parts->out, pnstrdup(fixed + 1, equals - fixed - 1), equals + 1);
	}
	while (protocol_next_name(&list, &member, &name))
	{
		const EtlAwsValue *value = take(parts, member, strlen(member));
		int count = value == NULL ? 0 : value->kind == AWS_VALUE_ARRAY ? value->count : 1;

		for (int i = 0; i < count; i++)
		{
			const EtlAwsValue *item = value->kind == AWS_VALUE_ARRAY ? &value->items[i] : value;

			if (!check_text(parts, member, item))
				return false;
			add_query(parts->out, name, item->text);
		}
	}
	return true;
}

static bool
put_headers(const Parts *parts)
{
	const char *list = parts->rest->headers != NULL ? parts->rest->headers : "";
	char *member, *name;

	while (protocol_next_name(&list, &member, &name))
	{
		const EtlAwsValue *value = take(parts, member, strlen(member));

		if (value == NULL)
			continue;
		if (!check_text(parts, member, value))
			return false;
		Assert(parts->out->nheaders < lengthof(parts->out->headers) - 1);
		parts->out->headers[parts->out->nheaders++] = (EtlHttpField){name, value->text};
	}
	return true;
}

static void
content_type(EtlAwsMessage *out, const char *type)
{
	out->headers[out->nheaders++] = (EtlHttpField){"Content-Type", type};
}

/* What has no other place. */
static bool
put_body(const Parts *parts)
{
	bool has_body = *parts->rest->method == 'P' && parts->rest->payload == NULL; /* POST, PUT, PATCH */
	EtlAwsValue *rest = palloc(sizeof(EtlAwsValue));
	StringInfoData body;

	*rest = (EtlAwsValue){.kind = AWS_VALUE_OBJECT,
						  .items = palloc((parts->input->count + 1) * sizeof(EtlAwsValue))};
	initStringInfo(&body);
	if (parts->rest->payload != NULL)
	{
		const EtlAwsValue *payload = take(parts, parts->rest->payload, strlen(parts->rest->payload));

		if (payload != NULL)
		{
			appendStringInfoString(&body, aws_value_text(payload));
			content_type(parts->out, "application/octet-stream");
		}
	}
	for (int i = 0; i < parts->input->count; i++)
	{
		if (parts->taken[i])
			continue;
		if (!has_body)
			return refuse(parts, parts->input->items[i].name, "The action has no such member.");
		rest->items[rest->count++] = parts->input->items[i];
	}
	if (has_body)
	{
		aws_value_write(&body, rest);
		content_type(parts->out, "application/json");
	}
	parts->out->body = body.data;
	return true;
}

bool
protocol_rest_write(const EtlAwsService *service, const char *action, const EtlAwsValue *input,
					EtlAwsMessage *out, EtlError *error)
{
	EtlAwsRest post = {.action = action, .method = "POST", .path = psprintf("/%s", action)};
	Parts parts = {service, &post, input, palloc0(input->count + 1), out, error};

	if (service->rest->actions != NULL)
		parts.rest = service_rest(service, action);
	if (parts.rest == NULL)
	{
		etl_error_set(error, ERRCODE_UNDEFINED_OBJECT, "AWS service \"%s\" has no action \"%s\"",
					  service->name, action);
		etl_error_detail(error, "Its actions have paths of their own, and those of %d are known here.",
						 service->rest->count);
		etl_error_hint(error, "Check the action's name, letter case included.");
		return false;
	}
	out->method = parts.rest->method;
	return put_path(&parts) && put_query(&parts) && put_headers(&parts) && put_body(&parts);
}
