/*
 * sql_uploads.c
 *		etl.abandoned_uploads, etl.forget_upload: records that nobody is at any more. See uploads.h.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/uploads.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define UPLOAD_COLUMNS 11

PG_FUNCTION_INFO_V1(pg_etl_abandoned_uploads);
PG_FUNCTION_INFO_V1(pg_etl_forget_upload);

/* A role that is gone has no members: superusers are left. */
static bool
is_callers(const EtlUploadRecord *record)
{
	return superuser() || has_privs_of_role(GetUserId(), record->role);
}

static Datum
name_or_null(const char *name, bool *isnull)
{
	NameData *value = palloc0(sizeof(NameData));

	*isnull = name == NULL;
	if (name != NULL)
		namestrcpy(value, name);
	return NameGetDatum(value);
}

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text != NULL ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Another database's key may be of another encoding. */
static char *
readable(char *text)
{
	if (!pg_verifymbstr(text, strlen(text), true))
		for (char *c = text; *c; c++)
			if (IS_HIGHBIT_SET(*c))
				*c = '?';
	return text;
}

/* The upload's key, or the first of the objects'. */
static const char *
record_key(const EtlUploadRecord *record)
{
	if (record->transaction == 0)
		return record->key;
	return record->nobjects > 0 ? record->objects[0].key : "";
}

/* An EtlUploadVisit. */
static bool
add_row(EtlUploadFile *file, const EtlUploadRecord *record, void *arg)
{
	ReturnSetInfo *result = arg;
	bool nulls[UPLOAD_COLUMNS] = {false};
	Datum values[UPLOAD_COLUMNS];

	if (!is_callers(record) && !has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		return true;
	values[0] = CStringGetTextDatum(uploads_record_name(file));
	values[1] = name_or_null(get_database_name(record->database), &nulls[1]);
	values[2] = name_or_null(GetUserNameFromId(record->role, true), &nulls[2]);
	values[3] = CStringGetTextDatum(readable(record->server_name));
	values[4] = CStringGetTextDatum(readable(store_uri_format(record->bucket, record_key(record))));
	values[5] = Int32GetDatum(record->transaction != 0 ? record->nobjects : 1);
	values[6] = text_or_null(record->upload_id, &nulls[6]);
	values[7] = TimestampTzGetDatum(time_t_to_timestamptz(record->began));
	values[8] = Int32GetDatum(record->failures);
	values[9] = TimestampTzGetDatum(time_t_to_timestamptz(record->tried));
	nulls[9] = record->failures == 0;
	values[10] = text_or_null(record->error != NULL ? readable(record->error) : NULL, &nulls[10]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return true;
}

/* A scheduler that looked meanwhile took what is locked here for a writer's. */
static void
visit_all(EtlUploadVisit visit, void *arg)
{
	uploads_visit(InvalidOid, visit, arg);
	if (uploads_watch() != NULL)
		uploads_watch()->look(InvalidOid);
}

Datum
pg_etl_abandoned_uploads(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	visit_all(add_row, fcinfo->resultinfo);
	return (Datum) 0;
}

typedef struct Forget
{
	const char *name;
	bool found;
} Forget;

/* An EtlUploadVisit. */
static bool
forget_named(EtlUploadFile *file, const EtlUploadRecord *record, void *arg)
{
	Forget *forget = arg;

	if (strcmp(forget->name, uploads_record_name(file)) != 0 || !is_callers(record))
		return true;
	forget->found = true;
	return false;
}

Datum
pg_etl_forget_upload(PG_FUNCTION_ARGS)
{
	Forget forget = {.name = text_to_cstring(PG_GETARG_TEXT_PP(0))};

	visit_all(forget_named, &forget);
	PG_RETURN_BOOL(forget.found);
}
