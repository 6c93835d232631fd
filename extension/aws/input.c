/*
 * input.c
 *		jsonb in and out. See input.h.
 */
#include "postgres.h"

#include "aws/input.h"
#include "aws/request.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static void fill(EtlAwsValue *value, const JsonbValue *given);

static char *
text_of(const JsonbValue *string)
{
	return aws_text_to_utf8(pnstrdup(string->val.string.val, string->val.string.len));
}

static void
fill_container(EtlAwsValue *value, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue item;
	char *name = NULL;

	check_stack_depth();
	value->kind = JsonContainerIsObject(container) ? AWS_VALUE_OBJECT : AWS_VALUE_ARRAY;
	value->items = palloc0(Max(JsonContainerSize(container), 1) * sizeof(EtlAwsValue));
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = text_of(&item);
		else if (token == WJB_VALUE || token == WJB_ELEM)
		{
			EtlAwsValue *child = &value->items[value->count++];

			child->name = token == WJB_VALUE ? name : NULL;
			fill(child, &item);
		}
	}
}

static void
fill(EtlAwsValue *value, const JsonbValue *given)
{
	switch (given->type)
	{
		case jbvNull:
			value->kind = AWS_VALUE_NULL;
			break;
		case jbvBool:
			value->kind = AWS_VALUE_SCALAR;
			value->text = given->val.boolean ? "true" : "false";
			break;
		case jbvNumeric:
			value->kind = AWS_VALUE_SCALAR;
			value->text =
				DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(given->val.numeric)));
			break;
		case jbvString:
			value->kind = AWS_VALUE_STRING;
			value->text = text_of(given);
			break;
		case jbvBinary:
			fill_container(value, given->val.binary.data);
			break;
		default:
			elog(ERROR, "unexpected kind of jsonb value: %d", (int) given->type);
	}
}

EtlAwsValue *
aws_input_value(Jsonb *input)
{
	EtlAwsValue *value = palloc0(sizeof(EtlAwsValue));
	JsonbValue scalar;

	if (JB_ROOT_IS_SCALAR(input) && JsonbExtractScalar(&input->root, &scalar))
		fill(value, &scalar);
	else
		fill_container(value, &input->root);
	return value;
}

static void
unexpected_answer(const char *what, int sqlstate, const char *detail)
{
	ereport(ERROR, errcode(sqlstate), errmsg("could not call \"%s\": unexpected answer", what),
			errdetail("%s", detail));
}

Jsonb *
aws_answer_jsonb(const char *what, StringInfo text)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb *volatile result = NULL;
	char *converted;

	if (strlen(text->data) != text->len)
		unexpected_answer(what, ERRCODE_PROTOCOL_VIOLATION, "It holds a byte 0.");
	/* neither a conversion that isn't one nor jsonb looks at that */
	if (pg_encoding_verifymbstr(PG_UTF8, text->data, text->len) != text->len)
		unexpected_answer(what, ERRCODE_PROTOCOL_VIOLATION, "It is not UTF-8.");
	converted = aws_text_from_utf8(text->data[strspn(text->data, " \t\r\n")] != '\0' ? text->data : "{}");
	PG_TRY();
	{
		result = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(converted)));
	}
	PG_CATCH();
	{
		int code = geterrcode();

		if (code != ERRCODE_INVALID_TEXT_REPRESENTATION && code != ERRCODE_UNTRANSLATABLE_CHARACTER)
			PG_RE_THROW();
		/* its context quotes the text */
		MemoryContextSwitchTo(context);
		FlushErrorState();
		if (code == ERRCODE_UNTRANSLATABLE_CHARACTER)
			unexpected_answer(what, code, "It holds \\u0000, which text can't have.");
		unexpected_answer(what, ERRCODE_PROTOCOL_VIOLATION, "It is not JSON.");
	}
	PG_END_TRY();
	/* who looks for a member of anything else reads what isn't there */
	if (!JB_ROOT_IS_OBJECT(result))
		unexpected_answer(what, ERRCODE_PROTOCOL_VIOLATION, "It is not a JSON object.");
	return result;
}
