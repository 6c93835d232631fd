/*
 * json_reader.h
 *		Rows of JSON: objects one after another, or in arrays, with blanks and line ends anywhere between.
 *
 * Pure. As strict as the standard: no trailing comma, no comment, no NaN, no control character in a string.
 *
 * A record is an object. Around objects may be an array, and several arrays may follow one another. Where the paths begin
 * with a number ("$[0]"), an array at the top is a record itself.
 *
 * Fields, in the order of the columns: a string without its escapes (quoted); a number as it is written; true and false;
 * an object or an array as it is written, with its blanks; NULL for null and for a member that isn't there. Of members
 * with one name the last counts. A path into an array that is too short, or into a value that is no array or object, makes
 * the record malformed, as in Redshift; one into a null or into what isn't there is NULL.
 *
 * A malformed record (1216; NUL 1218, half a surrogate pair 1220) ends where its brackets do; or before a line that begins
 * with "{", if that is sooner, which keeps the damage of a cut line to that line. What is no object (a number, a stray
 * bracket) ends with its line or before the next object. Its line is that of what is wrong with it.
 */
#ifndef ETL_FORMAT_JSON_READER_H
#define ETL_FORMAT_JSON_READER_H

#include "format/json_paths.h"
#include "format/record.h"

#define ETL_JSON_MAX_DEPTH 1000 /* levels; Redshift's limit of SUPER */

typedef enum EtlJsonMapping
{
	ETL_JSON_AUTO,			  /* members to columns of the same name */
	ETL_JSON_AUTO_IGNORECASE, /* whatever the letter case of A to Z in them */
	ETL_JSON_PATHS,			  /* the n-th path of a file to the n-th column */
	ETL_JSON_NOSHRED		  /* the whole object to the one column */
} EtlJsonMapping;

typedef struct EtlJsonOptions
{
	EtlJsonMapping mapping;
	const char *const *columns; /* AUTO, AUTO_IGNORECASE: their names, no two the same */
	const EtlJsonPaths *paths;	/* PATHS: column_count of them */
	bool ignore_case;			/* PATHS: of A to Z in their names, as XML may want it */
	int column_count;			/* fields of a record, at most ETL_RECORD_MAX_FIELDS; NOSHRED: 1 */
} EtlJsonOptions;

/* Allocated, with all it grows into, in the current context: about two records. The options are copied. */
extern EtlRecordReader *json_reader_create(const EtlJsonOptions *options);

#endif
