/*
 * upload_record.c
 *		The text of an upload's record. See upload_record.h.
 */
#include "store/upload_record.h"

#define UPLOAD_LINE "pg_etl upload 1"
#define OBJECTS_LINE "pg_etl objects 1"
#define FIRST_PAUSE_S 60
#define LONGEST_PAUSE_S 3600

static void
write_text(StringInfo out, const char *name, const char *value)
{
	if (value != NULL)
		appendStringInfo(out, "%s %s\n", name, value);
}

void
upload_record_write(const EtlUploadRecord *record, StringInfo out)
{
	appendStringInfo(out, "%s\ndatabase %u\nrole %u\nserver %u\n",
					 record->transaction != 0 ? OBJECTS_LINE : UPLOAD_LINE, record->database, record->role,
					 record->server);
	write_text(out, "server_name", record->server_name);
	write_text(out, "region", record->region);
	write_text(out, "iam_role", record->iam_role);
	if (record->keys_given)
		write_text(out, "keys", "given");
	write_text(out, "bucket", record->bucket);
	write_text(out, "key", record->key);
	if (record->transaction != 0)
		appendStringInfo(out, "transaction " UINT64_FORMAT "\n", record->transaction);
	if (record->is_local)
		write_text(out, "local", "");
	for (int i = 0; i < record->nobjects; i++)
		upload_record_write_object(&record->objects[i], out);
	appendStringInfo(out, "began " INT64_FORMAT "\nready \n", record->began);
}

void
upload_record_write_object(const EtlRecordedObject *object, StringInfo out)
{
	appendStringInfo(out, "object %s %s\n", object->identity, object->key);
}

void
upload_record_write_aborted(StringInfo out)
{
	write_text(out, "aborted", "");
}

void
upload_record_write_looked(int64 looked, StringInfo out)
{
	appendStringInfo(out, "looked " INT64_FORMAT "\n", looked);
}

void
upload_record_write_id(const char *upload_id, int64 created, bool strays, StringInfo out)
{
	appendStringInfo(out, "created " INT64_FORMAT "\n", created);
	if (strays)
		appendStringInfoString(out, "strays \n");
	appendStringInfo(out, "upload %s\n", upload_id);
}

void
upload_record_write_failure(int failures, int64 tried, const char *error, StringInfo out)
{
	int start;

	appendStringInfo(out, "failures %d\ntried " INT64_FORMAT "\n", failures, tried);
	start = out->len;
	appendStringInfo(out, "error %s", error);
	for (char *c = out->data + start; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	appendStringInfoChar(out, '\n');
}

static void
add_object(EtlUploadRecord *record, char *value)
{
	char *key = strchr(value, ' ');

	if (key == NULL)
		return;
	*key++ = '\0';
	/* There is room for a power of two of them. */
	if (record->nobjects == 0)
		record->objects = palloc(sizeof(EtlRecordedObject));
	else if ((record->nobjects & (record->nobjects - 1)) == 0)
		record->objects = repalloc(record->objects, sizeof(EtlRecordedObject) * 2 * record->nobjects);
	record->objects[record->nobjects++] = (EtlRecordedObject){.identity = value, .key = key};
}

static void
set_field(EtlUploadRecord *record, const char *name, char *value)
{
	struct
	{
		const char *name;
		char **text;
		unsigned int *number;
		int64 *big;
	} fields[] = {
		{"database", .number = &record->database}, {"role", .number = &record->role},
		{"server", .number = &record->server},	   {"server_name", .text = &record->server_name},
		{"region", .text = &record->region},	   {"iam_role", .text = &record->iam_role},
		{"bucket", .text = &record->bucket},	   {"key", .text = &record->key},
		{"began", .big = &record->began},		   {"upload", .text = &record->upload_id},
		{"created", .big = &record->created},	   {"tried", .big = &record->tried},
		{"looked", .big = &record->looked},		   {"error", .text = &record->error},
	};

	for (int i = 0; i < lengthof(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
		{
			if (fields[i].text != NULL)
				*fields[i].text = value;
			if (fields[i].number != NULL)
				*fields[i].number = (unsigned int) strtoul(value, NULL, 10);
			if (fields[i].big != NULL)
				*fields[i].big = strtoll(value, NULL, 10);
		}
	if (strcmp(name, "keys") == 0)
		record->keys_given = true;
	if (strcmp(name, "strays") == 0)
		record->strays = true;
	if (strcmp(name, "transaction") == 0)
		record->transaction = strtoull(value, NULL, 10);
	if (strcmp(name, "local") == 0)
		record->is_local = true;
	if (strcmp(name, "aborted") == 0)
		record->is_aborted = true;
	if (strcmp(name, "object") == 0)
		add_object(record, value);
	if (strcmp(name, "failures") == 0)
		record->failures = atoi(value);
}

bool
upload_record_parse(const char *text, size_t size, EtlUploadRecord *out)
{
	char *copy = palloc(size + 1);
	bool ready = false;
	bool first = true;
	bool of_objects = false;
	char *end;

	memcpy(copy, text, size);
	copy[size] = '\0';
	memset(out, 0, sizeof(*out));
	for (char *line = copy; (end = strchr(line, '\n')) != NULL; line = end + 1)
	{
		char *value = strchr(line, ' ');

		*end = '\0';
		if (first)
			of_objects = strcmp(line, OBJECTS_LINE) == 0;
		if (first && !of_objects && strcmp(line, UPLOAD_LINE) != 0)
			return false;
		if (first || value == NULL)
		{
			first = false;
			continue;
		}
		*value++ = '\0';
		ready |= strcmp(line, "ready") == 0;
		set_field(out, line, value);
	}
	return ready && out->bucket != NULL && out->server_name != NULL &&
		   (of_objects ? out->transaction != 0 : out->key != NULL && out->transaction == 0);
}

int64
upload_record_pause(int failures)
{
	return failures <= 0 ? 0 : Min((int64) FIRST_PAUSE_S << Min(failures - 1, 10), LONGEST_PAUSE_S);
}
