/*
 * hook_options.c
 *		COPY's options to JSON. See hook_options.h.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "copy/hook_options.h"
#include "copy/options_value.h"
#include "fmgr.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/numeric.h"

typedef struct Builder
{
	JsonbParseState *state;
	JsonbParseState *keys; /* "credentials"; NULL: none so far */
	const EtlCopyOptionTable *table;
	const CopyStmt *statement;
	char *format;
	bool csv;
} Builder;

PG_FUNCTION_INFO_V1(pg_etl_copy_options);

static const char *const keys[] = {"access_key_id", "secret_access_key", "session_token"};

/* What COPY has beside the options of the table; and what the table has that COPY says in another way. */
static const char copy_only[] = "format, header, on_error, access_key_id, secret_access_key, session_token";
static const char *const table_only[] = {"columns", "credentials", "csv_escape", "files", "header_match", "postgres", "where"};

static bool
is_table_only(const char *name)
{
	for (int i = 0; i < lengthof(table_only); i++)
		if (strcmp(name, table_only[i]) == 0)
			return true;
	return false;
}

static JsonbValue
string_value(const char *text)
{
	return (JsonbValue){.type = jbvString, .val.string = {.len = (int) strlen(text), .val = (char *) text}};
}

static void
add_value(JsonbParseState **state, const char *key, JsonbValue value)
{
	JsonbValue name = string_value(key);

	pushJsonbValue(state, WJB_KEY, &name);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
add_text(Builder *builder, const char *key, const char *text)
{
	add_value(&builder->state, key, string_value(text));
}

static void
add_bool(Builder *builder, const char *key, bool on)
{
	add_value(&builder->state, key, (JsonbValue){.type = jbvBool, .val.boolean = on});
}

static void
add_integer(Builder *builder, const char *key, int64 number)
{
	add_value(&builder->state, key,
			  (JsonbValue){.type = jbvNumeric, .val.numeric = int64_to_numeric(number)});
}

/* (a, b), a, 'a', or *. */
static void
add_list(Builder *builder, const char *key, DefElem *option)
{
	JsonbValue name = string_value(key);
	ListCell *lc;

	pushJsonbValue(&builder->state, WJB_KEY, &name);
	pushJsonbValue(&builder->state, WJB_BEGIN_ARRAY, NULL);
	if (option->arg != NULL && IsA(option->arg, A_Star))
	{
		JsonbValue all = string_value("*");

		pushJsonbValue(&builder->state, WJB_ELEM, &all);
	}
	else if (option->arg != NULL && IsA(option->arg, List))
		foreach (lc, (List *) option->arg)
		{
			JsonbValue element = string_value(strVal(lfirst(lc)));

			pushJsonbValue(&builder->state, WJB_ELEM, &element);
		}
	else
	{
		JsonbValue element = string_value(defGetString(option));

		pushJsonbValue(&builder->state, WJB_ELEM, &element);
	}
	pushJsonbValue(&builder->state, WJB_END_ARRAY, NULL);
}

static void
pg_attribute_noreturn() wrong_direction(const DefElem *option, bool is_from)
{
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("COPY option \"%s\" is for COPY %s", option->defname, is_from ? "TO" : "FROM"));
}

static bool
is_key(const DefElem *option)
{
	for (int i = 0; i < lengthof(keys); i++)
		if (strcmp(option->defname, keys[i]) == 0)
			return true;
	return false;
}

static void
add_key(Builder *builder, DefElem *option)
{
	if (builder->keys == NULL)
		pushJsonbValue(&builder->keys, WJB_BEGIN_OBJECT, NULL);
	add_value(&builder->keys, option->defname, string_value(defGetString(option)));
}

static bool
is_given(const CopyStmt *statement, const char *name)
{
	ListCell *lc;

	foreach (lc, statement->options)
		if (strcmp(((DefElem *) lfirst(lc))->defname, name) == 0)
			return true;
	return false;
}

static void
add_header(Builder *builder, DefElem *option)
{
	bool on;

	if (option->arg != NULL && IsA(option->arg, String) && pg_strcasecmp(strVal(option->arg), "match") == 0)
	{
		if (!builder->statement->is_from)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot use \"match\" with HEADER in COPY TO"));
		add_bool(builder, "header_match", true);
		return;
	}
	on = defGetBoolean(option);
	if (!builder->statement->is_from)
		add_bool(builder, "header", on);
	else if (on)
	{
		if (is_given(builder->statement, "ignoreheader"))
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("option \"header\" cannot be used with option \"ignoreheader\""));
		add_integer(builder, "ignoreheader", 1);
	}
}

/* An option of PostgreSQL's that isn't one of ours under its name, or has another meaning there. False: it is neither. */
static bool
add_postgres(Builder *builder, DefElem *option)
{
	const char *name = option->defname;
	bool is_from = builder->statement->is_from;

	if (strcmp(name, "format") == 0)
		return true; /* is known */
	else if (is_key(option))
		add_key(builder, option);
	else if (strcmp(name, "header") == 0)
		add_header(builder, option);
	else if (strcmp(name, "escape") == 0)
		add_text(builder, "csv_escape", defGetString(option));
	else if (strcmp(name, is_from ? "force_null" : "force_quote") == 0 ||
			 (is_from && strcmp(name, "force_not_null") == 0))
		add_list(builder, name, option);
	else if (strcmp(name, "force_null") == 0 || strcmp(name, "force_not_null") == 0 ||
			 strcmp(name, "force_quote") == 0)
		wrong_direction(option, is_from);
	else if (strcmp(name, "freeze") == 0 && !is_from)
	{
		if (defGetBoolean(option))
			wrong_direction(option, is_from);
	}
	else if (strcmp(name, "on_error") == 0 && is_from)
	{
		const char *what = defGetString(option);

		if (pg_strcasecmp(what, "ignore") == 0)
			add_bool(builder, "ignoreallerrors", true);
		else if (pg_strcasecmp(what, "stop") != 0)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("COPY option \"on_error\" must be stop or ignore, not \"%s\"", what));
	}
	else
		return false;
	return true;
}

static void
add_ours(Builder *builder, DefElem *option)
{
	const EtlCopyOption *known = copy_option_find(builder->table, option->defname);
	StringInfoData names;

	if (known == NULL || is_table_only(known->name))
	{
		initStringInfo(&names);
		for (int i = 0; i < builder->table->count; i++)
			if (!is_table_only(builder->table->options[i].name))
				appendStringInfo(&names, ", %s", builder->table->options[i].name);
		ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("unknown COPY option \"%s\"", option->defname),
				errhint("The options are: %s%s.", copy_only, names.data));
	}
	switch (known->kind)
	{
		case COPY_OPTION_BOOL:
			add_bool(builder, known->name, defGetBoolean(option));
			break;
		case COPY_OPTION_SWITCH:
			if (option->arg == NULL)
				add_bool(builder, known->name, true);
			else
				add_text(builder, known->name, defGetString(option));
			break;
		case COPY_OPTION_INTEGER:
		case COPY_OPTION_SIZE:
			add_integer(builder, known->name, defGetInt64(option));
			break;
		case COPY_OPTION_TEXT:
			add_text(builder, known->name, defGetString(option));
			break;
		case COPY_OPTION_LIST:
			add_list(builder, known->name, option);
			break;
		case COPY_OPTION_CREDENTIALS:
			pg_unreachable(); /* is one of table_only */
	}
}

static void
read_format(Builder *builder)
{
	ListCell *lc;

	builder->format = "text";
	foreach (lc, builder->statement->options)
	{
		DefElem *option = lfirst(lc);
		ListCell *other;

		if (strcmp(option->defname, "format") == 0)
			builder->format = asc_tolower(defGetString(option), strlen(defGetString(option)));
		for_each_cell(other, builder->statement->options,
					  lnext(builder->statement->options,
							lc)) if (strcmp(option->defname, ((DefElem *) lfirst(other))->defname) == 0)
			ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("COPY option \"%s\" is given twice", option->defname));
	}
	builder->csv = strcmp(builder->format, "csv") == 0;
}

/* COPY TO is told a file's name. A folder, or an option about names, is a prefix instead, as UNLOAD is told. */
static bool
writes_one_object(const CopyStmt *statement)
{
	static const char *const others[] = {"single", "partition_by", "parallel", "extension", "cleanpath"};

	if (statement->filename[strlen(statement->filename) - 1] == '/')
		return false;
	for (int i = 0; i < lengthof(others); i++)
		if (is_given(statement, others[i]))
			return false;
	return true;
}

List *
copy_hook_secrets(const List *options)
{
	List *secrets = NIL;
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *option = lfirst(lc);

		if (is_key(option) && strcmp(option->defname, "access_key_id") != 0 && option->arg != NULL)
			secrets = lappend(secrets, defGetString(option));
	}
	return secrets;
}

void
copy_hook_options(const CopyStmt *statement, const char *where, EtlCopyStatement *out)
{
	Builder builder = {.statement = statement,
					   .table = statement->is_from ? &copy_load_option_table : &copy_unload_option_table};
	ListCell *lc;

	read_format(&builder);
	pushJsonbValue(&builder.state, WJB_BEGIN_OBJECT, NULL);
	foreach (lc, statement->options)
		if (!add_postgres(&builder, lfirst(lc)))
			add_ours(&builder, lfirst(lc));
	if (builder.keys != NULL)
		add_value(&builder.state, "credentials", *pushJsonbValue(&builder.keys, WJB_END_OBJECT, NULL));
	if (statement->is_from && statement->attlist != NIL)
	{
		DefElem columns = {.type = T_DefElem, .defname = "columns", .arg = (Node *) statement->attlist};

		add_list(&builder, "columns", &columns);
	}
	if (statement->is_from || builder.csv || strcmp(builder.format, "text") == 0)
		add_bool(&builder, "postgres", true);
	if (where != NULL)
		add_text(&builder, "where", where);
	if (!statement->is_from && writes_one_object(statement))
		add_bool(&builder, "single", true);
	out->format = builder.format;
	out->options = JsonbValueToJsonb(pushJsonbValue(&builder.state, WJB_END_OBJECT, NULL));
}

/* The columns and options of a COPY that is there in these two pieces: {"format": "csv", "options": {…}}. */
static Jsonb *
options_of_text(const char *columns, const char *text, bool is_from)
{
	/* RDS exports with options that have no brackets around them */
	bool bare = !is_from && text[strspn(text, " \t\r\n")] != '(' && text[strspn(text, " \t\r\n")] != '\0';
	List *trees = raw_parser(psprintf("COPY t %s%s%s %s 's3://a/b' %s%s%s", *columns == '\0' ? "" : "(",
									  columns, *columns == '\0' ? "" : ")", is_from ? "FROM" : "TO",
									  bare ? "(" : "", text, bare ? ")" : ""),
							 RAW_PARSE_DEFAULT);
	CopyStmt *statement = list_length(trees) == 1 ? (CopyStmt *) linitial_node(RawStmt, trees)->stmt : NULL;
	EtlCopyStatement copy;
	JsonbParseState *state = NULL;
	JsonbValue name = string_value("options");
	JsonbValue value;

	if (statement == NULL || !IsA(statement, CopyStmt) || statement->is_from != is_from ||
		statement->filename == NULL || strcmp(statement->filename, "s3://a/b") != 0 ||
		statement->whereClause != NULL)
		ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("these are not the options of a COPY statement"),
				errhint("Write them as COPY has them: (FORMAT csv, HEADER true)."));
	copy_hook_options(statement, NULL, &copy);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	add_value(&state, "format", string_value(copy.format));
	pushJsonbValue(&state, WJB_KEY, &name);
	JsonbToJsonbValue(copy.options, &value);
	pushJsonbValue(&state, WJB_VALUE, &value);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* The statement that calls it may have keys in it, so the log has none of that. */
Datum
pg_etl_copy_options(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb *options;

	PG_TRY();
	{
		bool is_from = PG_GETARG_BOOL(3);

		/* that it is there is said here, too, where the statement isn't logged */
		if (is_from)
			(void) DirectFunctionCall1(regclassin, CStringGetDatum(text_to_cstring(PG_GETARG_TEXT_PP(0))));
		options = options_of_text(text_to_cstring(PG_GETARG_TEXT_PP(1)),
								  text_to_cstring(PG_GETARG_TEXT_PP(2)), is_from);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		error->hide_stmt = true;
		error->context = NULL;
		error->internalquery = NULL;
		error->internalpos = 0;
		error->cursorpos = 0;
		ReThrowError(error);
	}
	PG_END_TRY();
	PG_RETURN_JSONB_P(options);
}
