/*
 * tuple.c
 *		Values to a heap tuple. See tuple.h.
 *
 * What heap_form_tuple makes of them, without a Datum or an allocation a value.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "copy/tuple.h"

/* No more than these bytes are between one attribute's end and the next one's begin. */
#define MOST_PADDING 8

static const EtlValue null_value = {.is_null = true};

static inline const EtlValue *
attribute_value(const EtlLoadAttribute *attribute, const EtlValue *values)
{
	return attribute->column < 0 || values[attribute->column].is_text ? &null_value
																	  : &values[attribute->column];
}

static inline char *
align_zeroed(char *at, uintptr_t base, char align)
{
	char *aligned = (char *) (base + att_align_nominal((uintptr_t) at - base, align));

	while (at < aligned)
		*at++ = '\0';
	return at;
}

/* memcpy for the few bytes that most values have: no call, no loop. */
static inline void
copy_short(char *to, const char *from, uint32 len)
{
	if (len >= 8 && len <= 16)
	{
		uint64 first;
		uint64 last;

		memcpy(&first, from, 8);
		memcpy(&last, from + len - 8, 8);
		memcpy(to, &first, 8);
		memcpy(to + len - 8, &last, 8);
	}
	else if (len >= 4 && len < 8)
	{
		uint32 first;
		uint32 last;

		memcpy(&first, from, 4);
		memcpy(&last, from + len - 4, 4);
		memcpy(to, &first, 4);
		memcpy(to + len - 4, &last, 4);
	}
	else if (len > 16)
		memcpy(to, from, len);
	else
		for (uint32 i = 0; i < len; i++)
			to[i] = from[i];
}

static inline char *
varlena_write(char *at, uintptr_t base, const EtlLoadAttribute *attribute, const EtlValue *value)
{
	if (attribute->packed && value->len + VARHDRSZ_SHORT <= VARATT_SHORT_MAX)
	{
		SET_VARSIZE_SHORT(at, value->len + VARHDRSZ_SHORT);
		at += VARHDRSZ_SHORT;
	}
	else
	{
		at = align_zeroed(at, base, attribute->align);
		SET_VARSIZE(at, value->len + VARHDRSZ);
		at += VARHDRSZ;
	}
	copy_short(at, value->data, value->len);
	return at + value->len;
}

static inline char *
fixed_write(char *at, uintptr_t base, const EtlLoadAttribute *attribute, const EtlValueType *type,
			const EtlValue *value)
{
	at = align_zeroed(at, base, attribute->align);
	switch (type->kind)
	{
		case ETL_VALUE_BOOL:
			*at = value->as.boolean;
			break;
		case ETL_VALUE_INT2:
		{
			int16 number = (int16) value->as.integer;

			memcpy(at, &number, sizeof(number));
			break;
		}
		case ETL_VALUE_INT4:
		case ETL_VALUE_DATE:
		{
			int32 number = (int32) value->as.integer;

			memcpy(at, &number, sizeof(number));
			break;
		}
		case ETL_VALUE_FLOAT4:
		{
			float4 number = (float4) value->as.number;

			memcpy(at, &number, sizeof(number));
			break;
		}
		case ETL_VALUE_FLOAT8:
			memcpy(at, &value->as.number, sizeof(double));
			break;
		case ETL_VALUE_TIMETZ:
			memcpy(at, &value->as.integer, sizeof(int64));
			memcpy(at + sizeof(int64), &value->zone, sizeof(int32));
			break;
		default:
			memcpy(at, &value->as.integer, sizeof(int64));
			break;
	}
	return at + attribute->len;
}

uint32
load_tuple_append(StringInfo out, const EtlLoadPlan *plan, const EtlValue *values)
{
	int natts = plan->attribute_count;
	bool has_null = false;
	Size most = 0;
	Size header_size = offsetof(HeapTupleHeaderData, t_bits);
	HeapTupleHeader header;
	uint16 mask = 0;
	char *start;
	char *at;
	uint32 len;

	for (int i = 0; i < natts; i++)
	{
		const EtlLoadAttribute *attribute = &plan->attributes[i];
		const EtlValue *value = attribute_value(attribute, values);

		if (value->is_null)
			has_null = true;
		else
			most += MOST_PADDING + (attribute->len < 0 ? VARHDRSZ + value->len : attribute->len);
	}
	header_size = MAXALIGN(has_null ? header_size + BITMAPLEN(natts) : header_size);
	enlargeStringInfo(out, header_size + most + MAXIMUM_ALIGNOF);
	start = out->data + out->len;
	memset(start, 0, header_size);
	header = (HeapTupleHeader) start;
	at = start + header_size;
	for (int i = 0; i < natts; i++)
	{
		const EtlLoadAttribute *attribute = &plan->attributes[i];
		const EtlValue *value = attribute_value(attribute, values);

		if (value->is_null)
			continue;
		if (has_null)
			header->t_bits[i >> 3] |= 1 << (i & 7);
		if (attribute->len < 0)
		{
			at = varlena_write(at, (uintptr_t) start, attribute, value);
			mask |= HEAP_HASVARWIDTH;
		}
		else
			at = fixed_write(at, (uintptr_t) start, attribute, &plan->columns[attribute->column].type, value);
	}
	HeapTupleHeaderSetNatts(header, natts);
	header->t_infomask = mask | (has_null ? HEAP_HASNULL : 0);
	header->t_hoff = (uint8) header_size;
	ItemPointerSetInvalid(&header->t_ctid);
	len = at - start;
	memset(at, 0, MAXALIGN(len) - len);
	out->len += MAXALIGN(len);
	return len;
}
