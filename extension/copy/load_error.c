/*
 * load_error.c
 *		Keeping the records that a load rejects until they are written. See load_error.h.
 *
 * Each is kept as the message that the writing process is sent (load_error_internal.h). What exceeds BUFFER_SIZE goes to a
 * temporary file, so that a load with 100,000 bad records takes no more memory than one with a thousand.
 */
#include "postgres.h"

#include "base/clock.h"
#include "copy/load_error_internal.h"
#include "copy/shown_text.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"
#include "utils/memutils.h"

#define BUFFER_SIZE (1024 * 1024)
#define FIELDS_SIZE (64 * 1024) /* of one record's */
#define NAME_SIZE 1024			/* of other strings */

EtlLoadErrors *
load_errors_create(int64 load_id)
{
	EtlLoadErrors *errors = palloc0(sizeof(EtlLoadErrors));

	errors->owner = CurrentResourceOwner;
	errors->context = CurrentMemoryContext;
	errors->load_id = load_id;
	errors->started_at = clock_now();
	history_session(&errors->session);
	initStringInfo(&errors->buffer);
	return errors;
}

int64
load_errors_count(const EtlLoadErrors *errors)
{
	return errors->count;
}

bool
load_errors_wants_fields(const EtlLoadErrors *errors)
{
	return errors->count < ETL_LOAD_ERRORS_DETAILED;
}

static char *
text_of_string(const char *string)
{
	return string == NULL ? NULL : pnstrdup(string, pg_mbcliplen(string, strlen(string), NAME_SIZE));
}

static void
json_append_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "\"%s\": ", name);
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

/* The fields as a JSON array. */
static char *
fields_format(const EtlLoadError *error)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < error->field_count && json.len < FIELDS_SIZE; i++)
	{
		const EtlLoadErrorField *field = &error->fields[i];
		char *value = field->value == NULL
						  ? NULL
						  : shown_text(field->value, field->value_len, ETL_LOAD_RAW_VALUE_BYTES);

		appendStringInfoString(&json, i == 0 ? "{" : ", {");
		json_append_member(&json, "column", field->column);
		appendStringInfoString(&json, ", ");
		json_append_member(&json, "type", field->type);
		appendStringInfo(&json, ", \"length\": %d, ", field->length);
		json_append_member(&json, "value", value);
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	return json.data;
}

static void
spill(EtlLoadErrors *errors)
{
	MemoryContext old = MemoryContextSwitchTo(errors->context);
	ResourceOwner current = CurrentResourceOwner;

	/* a load's subtransaction may be rolled back: the file is to stay */
	CurrentResourceOwner = errors->owner;
	if (errors->file == NULL)
		errors->file = BufFileCreateTemp(false);
	CurrentResourceOwner = current;
	BufFileWrite(errors->file, errors->buffer.data, errors->buffer.len);
	errors->spilled += errors->buffer.len;
	resetStringInfo(&errors->buffer);
	MemoryContextSwitchTo(old);
}

void
load_errors_add(EtlLoadErrors *errors, const EtlLoadError *error)
{
	MemoryContext scratch;
	MemoryContext old;
	StringInfoData message;

	errors->count++;
	if (errors->count > ETL_LOAD_ERRORS_KEPT)
		return;
	scratch = AllocSetContextCreate(errors->context, "pg_etl load error", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(scratch);
	initStringInfo(&message);
	appendStringInfoChar(&message, ETL_LOAD_MESSAGE_ERROR);
	load_message_put_text(&message, text_of_string(error->uri));
	load_message_put_int(&message, error->line);
	load_message_put_text(&message, text_of_string(error->column));
	load_message_put_text(&message, text_of_string(error->type));
	load_message_put_int(&message, error->column_length);
	load_message_put_int(&message, error->position);
	load_message_put_text(&message,
						  error->raw_line == NULL
							  ? NULL
							  : shown_text(error->raw_line, error->raw_line_len, ETL_LOAD_RAW_LINE_BYTES));
	load_message_put_text(
		&message, error->raw_value == NULL
					  ? NULL
					  : shown_text(error->raw_value, error->raw_value_len, ETL_LOAD_RAW_VALUE_BYTES));
	load_message_put_text(&message, error->field_count > 0 && errors->count <= ETL_LOAD_ERRORS_DETAILED
										? fields_format(error)
										: NULL);
	load_message_put_int(&message, error->code);
	load_message_put_text(&message, text_of_string(error->reason));
	if (errors->buffer.len > 0 && errors->buffer.len + message.len > BUFFER_SIZE)
		spill(errors);
	load_message_put_int(&errors->buffer, message.len);
	appendBinaryStringInfo(&errors->buffer, message.data, message.len);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

char *
load_errors_hint(const EtlLoadErrors *errors)
{
	return psprintf("SELECT * FROM redshift.stl_load_errors WHERE query = " INT64_FORMAT, errors->load_id);
}
