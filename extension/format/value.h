/*
 * value.h
 *		Values of the types that Redshift has: from a field's text (COPY) and to it (UNLOAD), by Redshift's rules.
 *
 * Pure, and without an allocation a value: this is where the time of a load goes. Text that a type doesn't take is a
 * code and a reason, never an error that is raised. What comes out is what PostgreSQL stores: an integer, a count of
 * days, the bytes of a numeric. Types that aren't here are left to their own input functions (ETL_VALUE_OTHER).
 */
#ifndef ETL_FORMAT_VALUE_H
#define ETL_FORMAT_VALUE_H

#include "format/record.h"

typedef enum EtlValueKind
{
	ETL_VALUE_OTHER, /* the text, checked when it is read, by the rules of what isn't a string */
	ETL_VALUE_BOOL,
	ETL_VALUE_INT2,
	ETL_VALUE_INT4,
	ETL_VALUE_INT8,
	ETL_VALUE_FLOAT4,
	ETL_VALUE_FLOAT8,
	ETL_VALUE_NUMERIC,
	ETL_VALUE_DATE,
	ETL_VALUE_TIME,
	ETL_VALUE_TIMETZ,
	ETL_VALUE_TIMESTAMP,
	ETL_VALUE_TIMESTAMPTZ,
	ETL_VALUE_VARCHAR, /* and text: max_bytes 0 */
	ETL_VALUE_CHAR,	   /* bpchar: of single bytes only, as Redshift's; comes out padded to its width */
	ETL_VALUE_BYTES,   /* bytea; Redshift's VARBYTE: hexadecimal digits */
	ETL_VALUE_SUPER	   /* read: the text, for the type's input function; a malformed one has code 1224 */
} EtlValueKind;

typedef struct EtlValueType
{
	EtlValueKind kind;
	const char *name; /* as SQL writes it, for reasons: "character varying(5)" */
	int max_bytes;	  /* VARCHAR, CHAR: their width; 0: unlimited */
	int precision;	  /* NUMERIC: digits in all; 0: any */
	int scale;		  /* NUMERIC of a precision: digits after the point; TIME to TIMESTAMPTZ: of the six digits of a
					   * microsecond those that are rounded away, three for timestamp(3) */
} EtlValueType;

/* A date or time format of DATEFORMAT or TIMEFORMAT, compiled: format/time_format.h. */
typedef struct EtlTimeFormat EtlTimeFormat;

/* How a load reads values: COPY's conversion options. */
typedef struct EtlValueRules
{
	char invalid;		   /* ACCEPTINVCHARS: takes the place of each invalid byte; '\0': they are an error */
	bool accept_any_date;  /* a date or time that is none is NULL */
	bool blanks_as_null;   /* of VARCHAR and CHAR, as the next two */
	bool empty_as_null;
	bool trim_blanks;
	bool truncate_columns; /* cut at a character what is too long */
	bool round_decimals;   /* false: digits past the scale are dropped */
	bool json_strings;	   /* a quoted field is a string of JSON without its escapes, as SUPER has it */
	/*
	 * Of DATE, and of TIMESTAMP and TIMESTAMPTZ; they decide alone. NULL: ISO forms are read here, others are left to the
	 * input function (with accept_any_date, which that hasn't, all that 'auto' knows is read here, too).
	 */
	const EtlTimeFormat *date_format;
	const EtlTimeFormat *time_format;
	/*
	 * The offset of local time in the session's zone, in seconds east, for a TIMESTAMPTZ whose text has none. NULL: such a
	 * text is left to the input function, or with a time_format is in UTC.
	 */
	int (*zone_offset)(int64 local_microseconds, void *arg);
	void *zone_arg;
} EtlValueRules;

typedef struct EtlValue
{
	bool is_null;
	bool is_text;	  /* the type's own input function is to read data: ETL_VALUE_OTHER, or a form that isn't known here */
	union
	{
		bool boolean;
		int64 integer; /* INT2 … INT8, DATE (days since 2000-01-01), TIME, TIMESTAMP, TIMESTAMPTZ (µs since then, UTC) */
		double number; /* FLOAT4 (exact as float), FLOAT8 */
	} as;
	/*
	 * TIMETZ: seconds west, as PostgreSQL keeps them; its time is as.integer. TIMESTAMPTZ that is to be written: those of
	 * the zone that it is shown in at that time.
	 */
	int32 zone;
	const char *data; /* VARCHAR, CHAR, BYTES, NUMERIC: the varlena's content without its header; and what is_text */
	uint32 len;
} EtlValue;

/* What value_read needs room for; data points into the field, or into it. Reset by the caller once a record. */
typedef StringInfoData EtlValueScratch;

/*
 * Read a field. ETL_LOAD_OK, or why not: then `reason` (NUL-terminated, without the value) says it in words.
 * `field` isn't changed. The scratch may move as it grows: so data is right after the whole record is read only if
 * value_scratch_reserve made room for it.
 */
#define ETL_VALUE_REASON_SIZE 256
extern EtlLoadCode value_read(const EtlValueType *type, const EtlValueRules *rules, const EtlField *field,
							  EtlValueScratch *scratch, EtlValue *value, char reason[ETL_VALUE_REASON_SIZE]);
/*
 * Make room for all values of a record: its fields' bytes, and each CHAR's padding. `fields_len` is what the fields have
 * together, which is more than the record has where two columns take the same member of it.
 */
extern void value_scratch_reserve(EtlValueScratch *scratch, const EtlValueType *types, int ntypes,
								  size_t fields_len);

/*
 * Append the value, which isn't NULL, as UNLOAD writes it: t and f, ISO dates and times, the shortest float that reads
 * back, bytes as hexadecimal digits.
 */
extern void value_write(StringInfo out, EtlValueKind kind, const EtlValue *value);

#endif
