/*
 * batch.c
 *		Taking batches apart. See batch.h.
 */
#include "postgres.h"

#include "copy/batch.h"

static const char *
skip(const char **cursor, Size size)
{
	const char *at = *cursor;

	*cursor += MAXALIGN(size);
	return at;
}

const char *
batch_item(const char *cursor, EtlBatchItem *item)
{
	const EtlBatchRow *row = (const EtlBatchRow *) cursor;
	const char *at = cursor;

	memset(item, 0, sizeof(*item));
	skip(&at, sizeof(*row));
	item->line = row->line;
	if (row->tuple_len > 0)
	{
		item->tuple.t_len = row->tuple_len;
		item->tuple.t_data = (HeapTupleHeader) skip(&at, row->tuple_len);
		ItemPointerSetInvalid(&item->tuple.t_self);
		if (row->position_count > 0)
			item->positions = (const int32 *) skip(&at, row->position_count * sizeof(int32));
		item->text_count = row->text_count;
		item->texts = (const EtlBatchText *) at;
		for (uint32 i = 0; i < row->text_count; i++)
			at = (const char *) batch_text_next((const EtlBatchText *) at);
		at = (const char *) MAXALIGN(at);
	}
	else
	{
		item->error = *(const EtlBatchError *) skip(&at, sizeof(EtlBatchError));
		item->value = skip(&at, item->error.value_len);
		item->reason = skip(&at, item->error.reason_len);
	}
	item->raw = at;
	item->raw_len = row->raw_len;
	Assert(at + MAXALIGN(row->raw_len) == cursor + row->size);
	return cursor + row->size;
}
