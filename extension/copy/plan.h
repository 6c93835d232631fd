/*
 * plan.h
 *		What reading a load's files needs to know, and nothing that takes a catalog to find out: so that a process without a
 *		database can do it.
 *
 * Records come out as tuples of the table. Values of types that aren't read here, and those in a form that isn't, are
 * beside the tuple, as text.
 */
#ifndef ETL_COPY_PLAN_H
#define ETL_COPY_PLAN_H

#include "postgres.h"

#include "copy/options.h"
#include "format/record.h"
#include "format/value.h"
#include "utils/rel.h"

/* A column that the load fills. */
typedef struct EtlLoadColumn
{
	char *name;
	char *member; /* the name as files have it: UTF-8 */
	EtlValueType type;
	int attribute;	 /* of the table, from 0 */
	bool as_text;	 /* always: the database's encoding isn't that of the files */
	bool not_null;	 /* a NULL is an error of the record */
	bool force_null; /* options.force_null has it */
	bool force_not_null;
} EtlLoadColumn;

/* An attribute of the table. */
typedef struct EtlLoadAttribute
{
	int column; /* of the load's; -1: NULL, so far */
	int16 len;
	char align;
	bool packed; /* a short varlena has a short header */
} EtlLoadAttribute;

typedef struct EtlLoadPlan
{
	EtlLoadOptions options; /* without access, columns and where */
	char *path_text;		/* JSON, XML: what the file options.paths has; NULL: none */
	int column_count;
	EtlLoadColumn *columns;
	int attribute_count;
	EtlLoadAttribute *attributes;
	bool keep_raw;	 /* records are kept beside their tuples, for errors that are found later */
	char *time_zone; /* the session's */
	int max_decompressed_mb;
	int max_ratio;
	int encoding; /* the database's */
} EtlLoadPlan;

/* For these columns of the relation. The plan's strings belong to the current context. */
extern EtlLoadPlan *load_plan_make(Relation rel, List *attnums, const EtlLoadOptions *options);

/* As bytes, for another process of this server. */
extern void load_plan_write(const EtlLoadPlan *plan, StringInfo out);
extern EtlLoadPlan *load_plan_read(const char *data, Size len);

#endif
