/*
 * value_kind.c
 *		Which of PostgreSQL's types are read and written here. See value_kind.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "copy/value_kind.h"

EtlValueKind
value_kind_of_type(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return ETL_VALUE_BOOL;
		case INT2OID:
			return ETL_VALUE_INT2;
		case INT4OID:
			return ETL_VALUE_INT4;
		case INT8OID:
			return ETL_VALUE_INT8;
		case FLOAT4OID:
			return ETL_VALUE_FLOAT4;
		case FLOAT8OID:
			return ETL_VALUE_FLOAT8;
		case NUMERICOID:
			return ETL_VALUE_NUMERIC;
		case DATEOID:
			return ETL_VALUE_DATE;
		case TIMEOID:
			return ETL_VALUE_TIME;
		case TIMETZOID:
			return ETL_VALUE_TIMETZ;
		case TIMESTAMPOID:
			return ETL_VALUE_TIMESTAMP;
		case TIMESTAMPTZOID:
			return ETL_VALUE_TIMESTAMPTZ;
		case TEXTOID:
		case VARCHAROID:
			return ETL_VALUE_VARCHAR;
		case BPCHAROID:
			return ETL_VALUE_CHAR;
		case BYTEAOID:
			return ETL_VALUE_BYTES;
		case JSONOID:
		case JSONBOID:
			return ETL_VALUE_SUPER;
		default:
			return ETL_VALUE_OTHER;
	}
}
