/*
 * complete.c
 *		What a record's tuple lacks. See complete.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "copy/complete.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

typedef struct ColumnInput
{
	FmgrInfo function;
	Oid io_param;
	int32 typmod;
	int attribute;
	Oid domain; /* whose value is checked here, unless its input function reads it; InvalidOid: no domain */
	void *domain_cache;
} ColumnInput;

typedef struct ColumnDefault
{
	int attribute;
	ExprState *expression;
} ColumnDefault;

struct EtlCompletion
{
	TupleDesc desc;
	ColumnInput *inputs; /* a column of the load's */
	int input_count;
	ColumnDefault *defaults;
	int default_count;
	bool has_domains;
	bool has_others; /* columns that always come as text */
	bool is_volatile;
	MemoryContext context;
};

static void
input_init(EtlCompletion *completion, const EtlLoadColumn *column)
{
	Form_pg_attribute attr = TupleDescAttr(completion->desc, column->attribute);
	ColumnInput *input = &completion->inputs[completion->input_count++];
	Oid function;

	getTypeInputInfo(attr->atttypid, &function, &input->io_param);
	fmgr_info(function, &input->function);
	input->typmod = attr->atttypmod;
	input->attribute = column->attribute;
	completion->has_others |=
		column->as_text || column->type.kind == ETL_VALUE_OTHER || column->type.kind == ETL_VALUE_SUPER;
	if (get_typtype(attr->atttypid) == TYPTYPE_DOMAIN)
	{
		input->domain = attr->atttypid;
		completion->has_domains = true;
	}
}

static void
default_init(EtlCompletion *completion, Relation rel, int attribute)
{
	Node *expression = build_column_default(rel, attribute + 1);
	ColumnDefault *value;

	if (expression == NULL)
		return;
	value = &completion->defaults[completion->default_count++];
	value->attribute = attribute;
	value->expression = ExecInitExpr(expression_planner((Expr *) expression), NULL);
	completion->is_volatile |= contain_volatile_functions_not_nextval(expression);
}

EtlCompletion *
completion_create(Relation rel, const EtlLoadPlan *plan)
{
	EtlCompletion *completion = palloc0(sizeof(EtlCompletion));

	completion->desc = RelationGetDescr(rel);
	completion->context = CurrentMemoryContext;
	completion->inputs = palloc0(plan->column_count * sizeof(ColumnInput));
	completion->defaults = palloc0(plan->attribute_count * sizeof(ColumnDefault));
	for (int i = 0; i < plan->column_count; i++)
		input_init(completion, &plan->columns[i]);
	for (int i = 0; i < plan->attribute_count; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(completion->desc, i);

		if (plan->attributes[i].column < 0 && !attr->attisdropped && !attr->attgenerated)
			default_init(completion, rel, i);
	}
	return completion;
}

bool
completion_is_needless(const EtlCompletion *completion, const EtlBatchItem *item)
{
	return item->text_count == 0 && completion->default_count == 0 && !completion->has_domains;
}

bool
completion_may_fail(const EtlCompletion *completion)
{
	return completion->has_domains || completion->has_others || completion->default_count > 0;
}

bool
completion_is_volatile(const EtlCompletion *completion)
{
	return completion->is_volatile;
}

static Datum
text_read(ColumnInput *input, const EtlBatchText *text)
{
	char *string = pnstrdup(batch_text(text), text->len);

	string = pg_any_to_server(string, text->len, PG_UTF8);
	return InputFunctionCall(&input->function, string, input->io_param, input->typmod);
}

void
completion_fill(EtlCompletion *completion, const EtlBatchItem *item, TupleTableSlot *slot,
				ExprContext *context, int *column, const EtlBatchText **text)
{
	MemoryContext old = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
	const EtlBatchText *next = item->texts;
	uint32 left = item->text_count;
	HeapTupleData tuple = item->tuple;

	heap_deform_tuple(&tuple, completion->desc, slot->tts_values, slot->tts_isnull);
	for (int i = 0; i < completion->input_count; i++)
	{
		ColumnInput *input = &completion->inputs[i];
		bool is_text = left > 0 && next->column == i;

		if (!is_text && input->domain == InvalidOid)
			continue;
		*column = i;
		*text = is_text ? next : NULL;
		if (is_text)
		{
			slot->tts_values[input->attribute] = text_read(input, next);
			slot->tts_isnull[input->attribute] = false;
			next = batch_text_next(next);
			left--;
		}
		else
			domain_check(slot->tts_values[input->attribute], slot->tts_isnull[input->attribute],
						 input->domain, &input->domain_cache, completion->context);
	}
	*column = -1;
	*text = NULL;
	for (int i = 0; i < completion->default_count; i++)
	{
		ColumnDefault *value = &completion->defaults[i];

		slot->tts_values[value->attribute] =
			ExecEvalExpr(value->expression, context, &slot->tts_isnull[value->attribute]);
	}
	MemoryContextSwitchTo(old);
}
