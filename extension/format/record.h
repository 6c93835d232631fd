/*
 * record.h
 *		What every format of rows gives: records of fields, found in bytes as they come.
 *
 * Pure. A reader is the first member of its format's struct. How many fields a record should have, what an empty field
 * means, which type it becomes: the caller's matter. Bytes are UTF-8, or what is to be taken for it: nothing here looks.
 */
#ifndef ETL_FORMAT_RECORD_H
#define ETL_FORMAT_RECORD_H

#include "base/error.h"
#include "base/platform.h"

#define ETL_RECORD_MAX_SIZE (4 * 1024 * 1024) /* bytes; Redshift's limit of a row */
#define ETL_RECORD_MAX_FIELDS 1664			  /* fields kept of a record; as many as PostgreSQL could return */

/* Why a record or a value of it can't be loaded: err_code of STL_LOAD_ERRORS, from Redshift's "Load error reference". */
typedef enum EtlLoadCode
{
	ETL_LOAD_OK = 0,
	ETL_LOAD_UNKNOWN = 1200,
	ETL_LOAD_NO_DELIMITER = 1201,
	ETL_LOAD_EXTRA_COLUMNS = 1202,
	ETL_LOAD_MISSING_COLUMNS = 1203,
	ETL_LOAD_OUT_OF_RANGE = 1204,
	ETL_LOAD_DATE = 1205,
	ETL_LOAD_TIMESTAMP = 1206,
	ETL_LOAD_DIGIT = 1207,
	ETL_LOAD_FLOAT = 1208,
	ETL_LOAD_DECIMAL = 1209,
	ETL_LOAD_BOOLEAN = 1210,
	ETL_LOAD_EMPTY_LINE = 1211,
	ETL_LOAD_FILE_NOT_FOUND = 1212,
	ETL_LOAD_NOT_NULL = 1213,
	ETL_LOAD_DELIMITER = 1214,
	ETL_LOAD_CHAR = 1215,
	ETL_LOAD_LINE = 1216,
	ETL_LOAD_IDENTITY = 1217,
	ETL_LOAD_NUL = 1218,
	ETL_LOAD_HEX = 1219,
	ETL_LOAD_UTF8 = 1220,
	ETL_LOAD_ENCODING = 1221,
	ETL_LOAD_OVERFLOW = 1222,
	ETL_LOAD_TYPE = 1223,
	ETL_LOAD_JSON = 1224
} EtlLoadCode;

typedef struct EtlField
{
	const char *data; /* not NUL-terminated; NULL only when is_null */
	uint32 len;
	bool is_null; /* the null string, JSON's null, a member that isn't there */
	bool quoted;  /* had quotes around it, so it is no null string and no missing value */
} EtlField;

/* Valid until the reader's next call. */
typedef struct EtlRecord
{
	const EtlField *fields; /* the first Min(field_count, ETL_RECORD_MAX_FIELDS) */
	int field_count;		/* as many as the record has */
	int64 line;				/* 1-based physical line it starts on, header lines counted; JSON's: that it ends on */
	const char *raw;		/* the record as it was read, without its line end; not NUL-terminated */
	size_t raw_len;
	EtlLoadCode code; /* of a malformed one */
	int bad_field;	  /* of a malformed one: 0-based; -1: none in particular */
} EtlRecord;

typedef enum EtlRecordStatus
{
	ETL_RECORD_ROW,
	ETL_RECORD_NEED_MORE, /* feed the next bytes */
	ETL_RECORD_END, /* of the records: of the stream, too, unless the format says that in the midst of it */
	/*
	 * The record is malformed; it has its line, raw bytes, code and no fields. The message starts "line 7: ". Calling
	 * next again goes on after it, but for one over a limit (54000): its end isn't known.
	 */
	ETL_RECORD_ERROR
} EtlRecordStatus;

typedef struct EtlRecordReader EtlRecordReader;
struct EtlRecordReader
{
	/*
	 * The next bytes of the stream, of any length, with eof on the last (which may be empty). Once at the start, then
	 * after each NEED_MORE. Fields point into buf where they can, so it stays as it is until the next NEED_MORE or END.
	 */
	void (*feed)(EtlRecordReader *self, const char *buf, size_t len, bool eof);
	EtlRecordStatus (*next)(EtlRecordReader *self, EtlRecord *record, EtlError *error);
	/* A reset of the context it was made in does the same, unless its format's header says otherwise. */
	void (*free)(EtlRecordReader *self);
};

#endif
