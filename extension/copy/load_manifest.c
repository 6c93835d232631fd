/*
 * load_manifest.c
 *		Reading a load's manifest. See load_manifest.h.
 */
#include "postgres.h"

#include "copy/load_manifest.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

/* Redshift's code of a manifest that can't be followed. */
#define MANIFEST_CODE "Redshift calls this error 8001."

static void
pg_attribute_noreturn() manifest_invalid(const char *uri, const char *what)
{
	ereport(
		ERROR, errcode(ERRCODE_INVALID_JSON_TEXT), errmsg("manifest \"%s\" %s", uri, what),
		errdetail(MANIFEST_CODE),
		errhint("A manifest is {\"entries\": [{\"url\": \"s3://bucket/key\", \"mandatory\": true}, ...]}."));
}

/* The text as JSON. What jsonb's input says of it is said of the manifest. */
static Jsonb *
manifest_json(const char *uri, const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	char *volatile converted = NULL;
	Datum json;

	PG_TRY();
	{
		converted = pg_any_to_server(text, strlen(text), PG_UTF8);
		json = DirectFunctionCall1(jsonb_in, CStringGetDatum(converted));
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		/* the latter is what it raises when there are too many brackets */
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION &&
			error->sqlerrcode != ERRCODE_STATEMENT_TOO_COMPLEX)
			PG_RE_THROW();
		FlushErrorState();
		if (converted == NULL)
			ereport(ERROR, errcode(error->sqlerrcode),
					errmsg("manifest \"%s\" has a character that the database's encoding lacks", uri),
					errdetail("%s.", error->message));
		ereport(
			ERROR, errcode(ERRCODE_INVALID_JSON_TEXT), errmsg("manifest \"%s\" is not JSON", uri),
			errdetail("%s%s %s", error->detail == NULL ? error->message : error->detail,
					  error->detail == NULL ? "." : "", MANIFEST_CODE),
			errhint(
				"A manifest is {\"entries\": [{\"url\": \"s3://bucket/key\", \"mandatory\": true}, ...]}."));
	}
	PG_END_TRY();
	return DatumGetJsonbP(json);
}

/* A member of the object; NULL: it isn't there, or null. */
static JsonbValue *
member_get(JsonbContainer *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name), NULL);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

static int64
content_length_get(const char *uri, JsonbContainer *entry)
{
	JsonbValue *meta = member_get(entry, "meta");
	JsonbValue *length;
	char *digits;
	char *end;
	int64 number;

	if (meta == NULL)
		return -1;
	if (meta->type != jbvBinary || !JsonContainerIsObject(meta->val.binary.data))
		manifest_invalid(uri, "has a \"meta\" that is no object");
	length = member_get(meta->val.binary.data, "content_length");
	if (length == NULL)
		return -1;
	if (length->type != jbvNumeric)
		manifest_invalid(uri, "has a \"content_length\" that is no number");
	digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(length->val.numeric)));
	errno = 0;
	number = strtoll(digits, &end, 10);
	if (errno != 0 || *end != '\0' || number < 0)
		manifest_invalid(uri, psprintf("has content_length %.40s", digits));
	return number;
}

static EtlManifestEntry *
entry_read(const char *uri, const JsonbValue *value)
{
	EtlManifestEntry *entry = palloc0(sizeof(EtlManifestEntry));
	JsonbValue *url;
	JsonbValue *mandatory;
	char *text;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		manifest_invalid(uri, "has an entry that is no object");
	url = member_get(value->val.binary.data, "url");
	if (url == NULL || url->type != jbvString)
		manifest_invalid(uri, "has an entry without a \"url\"");
	text = pnstrdup(url->val.string.val, url->val.string.len);
	if (pg_strncasecmp(text, "s3://", strlen("s3://")) != 0)
		manifest_invalid(uri, psprintf("lists \"%.200s\", which is no S3 URI", text));
	store_uri_parse(text, &entry->uri);
	store_require_key(entry->uri.bucket, entry->uri.key);
	mandatory = member_get(value->val.binary.data, "mandatory");
	if (mandatory != NULL && mandatory->type != jbvBool)
		manifest_invalid(uri, "has a \"mandatory\" that is neither true nor false");
	entry->mandatory = mandatory != NULL && mandatory->val.boolean;
	entry->content_length = content_length_get(uri, value->val.binary.data);
	return entry;
}

List *
load_manifest_parse(const char *uri, const char *text)
{
	Jsonb *json = manifest_json(uri, text);
	JsonbValue *entries = NULL;
	JsonbIterator *iterator;
	JsonbValue element;
	JsonbIteratorToken token;
	List *list = NIL;

	if (JB_ROOT_IS_OBJECT(json))
		entries = member_get(&json->root, "entries");
	if (entries == NULL || entries->type != jbvBinary || !JsonContainerIsArray(entries->val.binary.data))
		manifest_invalid(uri, "has no array \"entries\"");
	iterator = JsonbIteratorInit(entries->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			list = lappend(list, entry_read(uri, &element));
	return list;
}
