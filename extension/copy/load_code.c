/*
 * load_code.c
 *		Codes and SQLSTATEs. See load_code.h.
 */
#include "postgres.h"

#include "copy/load_code.h"

int
load_code_sqlstate(EtlLoadCode code, bool of_string)
{
	switch (code)
	{
		case ETL_LOAD_OUT_OF_RANGE:
		case ETL_LOAD_OVERFLOW:
			return of_string ? ERRCODE_STRING_DATA_RIGHT_TRUNCATION : ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case ETL_LOAD_DATE:
		case ETL_LOAD_TIMESTAMP:
			return ERRCODE_INVALID_DATETIME_FORMAT;
		case ETL_LOAD_DIGIT:
		case ETL_LOAD_FLOAT:
		case ETL_LOAD_DECIMAL:
		case ETL_LOAD_BOOLEAN:
		case ETL_LOAD_HEX:
		case ETL_LOAD_JSON:
			return ERRCODE_INVALID_TEXT_REPRESENTATION;
		case ETL_LOAD_NOT_NULL:
			return ERRCODE_NOT_NULL_VIOLATION;
		case ETL_LOAD_NUL:
		case ETL_LOAD_UTF8:
		case ETL_LOAD_ENCODING:
			return ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;
		default:
			return ERRCODE_BAD_COPY_FILE_FORMAT;
	}
}

const char *
load_code_hint(EtlLoadCode code, bool of_string)
{
	switch (code)
	{
		case ETL_LOAD_EXTRA_COLUMNS:
			return "Check the delimiter and the column list.";
		case ETL_LOAD_MISSING_COLUMNS:
			return "Check the delimiter and the column list, or use FILLRECORD.";
		case ETL_LOAD_EMPTY_LINE:
			return "Use IGNOREBLANKLINES to skip empty lines.";
		case ETL_LOAD_OUT_OF_RANGE:
			return of_string ? "Widths are bytes. Widen the column, or use TRUNCATECOLUMNS to cut the value."
							 : NULL;
		case ETL_LOAD_DATE:
			return "Say with DATEFORMAT how dates are written, or use ACCEPTANYDATE to load others as NULL.";
		case ETL_LOAD_TIMESTAMP:
			return "Say with TIMEFORMAT how times are written, or use ACCEPTANYDATE to load others as NULL.";
		case ETL_LOAD_NUL:
			return "Text cannot have NUL bytes. If they stand for missing values, say so with NULL AS '\\0'.";
		case ETL_LOAD_UTF8:
			return "Say with ENCODING what the files are in, or use ACCEPTINVCHARS to replace what is no "
				   "UTF-8.";
		default:
			return NULL;
	}
}

EtlLoadCode
load_code_of_sqlstate(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_NOT_NULL_VIOLATION:
			return ETL_LOAD_NOT_NULL;
		case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE:
			return ETL_LOAD_OVERFLOW;
		case ERRCODE_STRING_DATA_RIGHT_TRUNCATION:
			return ETL_LOAD_OUT_OF_RANGE;
		case ERRCODE_INVALID_DATETIME_FORMAT:
		case ERRCODE_DATETIME_FIELD_OVERFLOW:
			return ETL_LOAD_TIMESTAMP;
		case ERRCODE_CHARACTER_NOT_IN_REPERTOIRE:
		case ERRCODE_UNTRANSLATABLE_CHARACTER:
			return ETL_LOAD_UTF8;
		case ERRCODE_INVALID_TEXT_REPRESENTATION:
			return ETL_LOAD_TYPE;
		default:
			return ETL_LOAD_UNKNOWN;
	}
}

bool
load_code_is_of_row(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION:
		case ERRCODE_WITH_CHECK_OPTION_VIOLATION:
		case ERRCODE_PLPGSQL_ERROR:
			return true;
		default:
			return false;
	}
}
