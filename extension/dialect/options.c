/*
 * options.c
 *		See options.h.
 */
#include "dialect/options.h"

#include "dialect/json.h"

/* How many single-byte edits lie between two words, whatever their letter case; words longer than 32 are far. */
static int
distance(const char *a, int a_length, const char *b)
{
	int b_length = (int) strlen(b);
	int row[33];

	if (a_length > 32 || b_length > 32)
		return 64;
	for (int j = 0; j <= b_length; j++)
		row[j] = j;
	for (int i = 1; i <= a_length; i++)
	{
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= b_length; j++)
		{
			int same = pg_toupper(a[i - 1]) == pg_toupper(b[j - 1]) ? diagonal : diagonal + 1;

			diagonal = row[j];
			row[j] = Min(same, Min(row[j], row[j - 1]) + 1);
		}
	}
	return row[b_length];
}

static bool
unknown_option(EtlParser *parser, const EtlOptions *options)
{
	const EtlToken *token = parser_token(parser);
	const char *text = parser->sql + token->start;
	int length = token->end - token->start;
	const char *nearest = NULL;
	int least = Min(4, length / 2 + 1); /* what is this far off is no typing error */

	if (token->kind != ETL_TOKEN_WORD)
		return parser_fail(parser, psprintf("an option of %s", options->command));
	for (int i = 0; i < options->count; i++)
		if (distance(text, length, options->rules[i].name) < least)
		{
			nearest = options->rules[i].name;
			least = distance(text, length, nearest);
		}
	for (const char *const *word = authorization_words; *word; word++)
		if (distance(text, length, *word) < least)
		{
			nearest = *word;
			least = distance(text, length, nearest);
		}
	etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "unknown %s option \"%.*s\"", options->command, length,
				  text);
	if (nearest != NULL)
		etl_error_hint(parser->error, "Perhaps you meant \"%s\".", nearest);
	else
		etl_error_hint(parser->error, "The options are those of Redshift's %s.", options->command);
	return parser_fail_at(parser, token);
}

static bool
out_of_range(EtlParser *parser, const EtlToken *token, const EtlOptionRule *rule)
{
	const char *unit = rule->kind == ETL_OPTION_SIZE ? " bytes" : "";

	etl_error_set(parser->error, ERRCODE_INVALID_PARAMETER_VALUE, "option \"%s\" is out of range",
				  rule->name);
	etl_error_hint(parser->error, "It is between " INT64_FORMAT " and " INT64_FORMAT "%s.", rule->minimum,
				   rule->maximum, unit);
	return parser_fail_at(parser, token);
}

static bool
parse_number(EtlParser *parser, const EtlOptionRule *rule, int64 *number)
{
	const EtlToken *token = parser_token(parser);
	char text[32];
	char *end;
	double value;

	if (token->kind != ETL_TOKEN_NUMBER || token->end - token->start >= sizeof(text))
		return parser_fail(parser, "a number");
	memcpy(text, parser->sql + token->start, token->end - token->start);
	text[token->end - token->start] = '\0';
	value = strtod(text, &end);
	if (*end != '\0' || (rule->kind == ETL_OPTION_INTEGER && strspn(text, "0123456789") != strlen(text)))
		return parser_fail(parser, rule->kind == ETL_OPTION_INTEGER ? "a whole number" : "a number");
	parser_advance(parser);
	if (rule->kind == ETL_OPTION_SIZE)
	{
		bool gigabytes = parser_accept_word(parser, "gb");

		if (!gigabytes)
			parser_accept_word(parser, "mb");
		value *= gigabytes ? 1024.0 * 1024 * 1024 : 1024.0 * 1024;
	}
	if (!(value >= rule->minimum && value <= rule->maximum))
		return out_of_range(parser, token, rule);
	*number = (int64) value;
	return true;
}

bool
options_parse_columns(EtlParser *parser, char **array)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	if (!parser_expect_operator(parser, "("))
		return false;
	do
	{
		char *name;

		if (!parser_expect_identifier(parser, "a column's name", &name))
			return false;
		if (json.len > 1)
			appendStringInfoString(&json, ", ");
		json_append_string(&json, name);
	} while (parser_accept_operator(parser, ","));
	appendStringInfoChar(&json, ']');
	*array = json.data;
	return parser_expect_operator(parser, ")");
}

/* What follows the option's name. */
static bool
parse_argument(EtlParser *parser, const EtlOptionRule *rule, EtlOption *option)
{
	if (rule->kind != ETL_OPTION_FLAG && rule->kind != ETL_OPTION_SWITCH)
		parser_accept_word(parser, "as");
	switch (rule->kind)
	{
		case ETL_OPTION_FLAG:
			break;
		case ETL_OPTION_SWITCH:
			option->number = 1;
			if (rule->word != NULL && parser_accept_word(parser, rule->word))
				option->text = pstrdup(rule->word);
			else if (parser_accept_word(parser, "off") || parser_accept_word(parser, "false"))
				option->number = 0;
			else if (!parser_accept_word(parser, "on"))
				parser_accept_word(parser, "true");
			return true;
		case ETL_OPTION_DEFAULTED:
			if (!parser_is_string(parser))
			{
				option->text = pstrdup(rule->word);
				return true;
			}
			return parser_expect_string(parser, "a value", &option->text);
		case ETL_OPTION_STRING:
			return parser_expect_string(parser, "a value", &option->text);
		case ETL_OPTION_WORD:
			if (!(parser_is_string(parser) ? parser_expect_string(parser, "a value", &option->text)
										   : parser_expect_identifier(parser, "a value", &option->text)))
				return false;
			for (char *c = option->text; *c; c++)
				*c = pg_ascii_tolower(*c);
			return true;
		case ETL_OPTION_INTEGER:
		case ETL_OPTION_SIZE:
			return parse_number(parser, rule, &option->number);
		case ETL_OPTION_COLUMNS:
			if (!options_parse_columns(parser, &option->text))
				return false;
			break;
		case ETL_OPTION_REFUSED:
			etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED, "option \"%s\" is not supported",
						  rule->name);
			etl_error_hint(parser->error, "%s", rule->word);
			return parser_fail_at(parser, option->token);
	}
	option->word = rule->word != NULL && parser_accept_word(parser, rule->word);
	return true;
}

static bool
parse_option(EtlParser *parser, EtlOptions *options)
{
	const EtlToken *token;
	bool is_format = parser_accept_word(parser, "format");

	is_format = parser_accept_word(parser, "as") || is_format;
	token = parser_token(parser);
	for (int i = 0; i < options->count; i++)
	{
		const EtlOptionRule *rule = &options->rules[i];

		if (!parser_accept_words(parser, rule->name))
			continue;
		if (is_format && rule->format == NULL)
			break;
		if (options->given[i].token != NULL)
		{
			etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "%s option \"%s\" is given twice",
						  options->command, rule->name);
			etl_error_hint(parser->error, "Keep one of the two.");
			return parser_fail_at(parser, token);
		}
		options->given[i].token = token;
		return parse_argument(parser, rule, &options->given[i]);
	}
	if (is_format)
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "unknown %s format \"%.*s\"", options->command,
					  token->kind == ETL_TOKEN_WORD ? token->end - token->start : 0,
					  parser->sql + token->start);
		etl_error_hint(parser->error, "The formats are those of Redshift's %s.", options->command);
		return parser_fail_at(parser, token);
	}
	return unknown_option(parser, options);
}

static bool
conflict(EtlParser *parser, const EtlOptions *options, int a, int b)
{
	const EtlToken *first = options->given[a].token;
	const EtlToken *second = options->given[b].token;

	etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "%s options \"%s\" and \"%s\" can't be used together",
				  options->command, options->rules[a].name, options->rules[b].name);
	etl_error_hint(parser->error, "Take one of them out.");
	return parser_fail_at(parser, first > second ? first : second);
}

/* `name` is one of the names in `list`, which has commas between them. */
static bool
is_listed(const char *list, const char *name)
{
	int length = (int) strlen(name);

	for (const char *found = list; (found = strstr(found, name)) != NULL; found++)
		if ((found == list || found[-1] == ',') && (found[length] == ',' || found[length] == '\0'))
			return true;
	return false;
}

static bool
check_conflicts(EtlParser *parser, const EtlOptions *options)
{
	for (int a = 0; a < options->count; a++)
	{
		const EtlOptionRule *rule = &options->rules[a];

		for (int b = 0; options->given[a].token != NULL && b < options->count; b++)
		{
			if (a == b || options->given[b].token == NULL)
				continue;
			if (rule->format != NULL && options->rules[b].format != NULL)
				return conflict(parser, options, a, b);
			for (int i = 0; i < options->conflict_count; i++)
			{
				const EtlOptionConflict *row = &options->conflicts[i];

				if (strcmp(row->option, rule->name) == 0 &&
					is_listed(row->others, options->rules[b].name) != row->only)
					return conflict(parser, options, a, b);
			}
		}
	}
	return true;
}

bool
options_parse(EtlParser *parser, EtlOptions *options)
{
	options->given = palloc0(options->count * sizeof(EtlOption));
	memset(&options->authorization, 0, sizeof(options->authorization));
	while (parser_token(parser)->kind != ETL_TOKEN_END)
	{
		if (parser_accept_operator(parser, ","))
			continue; /* the guide has commas between options; they mean nothing */
		if (!(authorization_is_next(parser) ? authorization_parse(parser, &options->authorization)
											: parse_option(parser, options)))
			return false;
	}
	return check_conflicts(parser, options) &&
		   authorization_check(parser, &options->authorization, options->command);
}

const EtlToken *
options_find(const EtlOptions *options, const char *name)
{
	for (int i = 0; i < options->count; i++)
		if (strcmp(options->rules[i].name, name) == 0)
			return options->given[i].token;
	return NULL;
}

bool
options_require(EtlParser *parser, const EtlOptions *options, const char *option, const char *needed)
{
	const EtlToken *token = options_find(options, option);

	if (token == NULL || options_find(options, needed) != NULL)
		return true;
	etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "%s option \"%s\" needs \"%s\"", options->command,
				  option, needed);
	etl_error_hint(parser->error, "Add %s, or take %s out.", needed, option);
	return parser_fail_at(parser, token);
}

const char *
options_format(const EtlOptions *options)
{
	for (int i = 0; i < options->count; i++)
		if (options->given[i].token != NULL && options->rules[i].format != NULL)
			return options->rules[i].format;
	return "text";
}

static void
append_option(StringInfo json, const EtlOptionRule *rule, const EtlOption *option)
{
	switch (rule->kind)
	{
		case ETL_OPTION_FLAG:
			json_append_boolean_member(json, rule->key, true);
			break;
		case ETL_OPTION_SWITCH:
			if (option->text != NULL)
				json_append_text_member(json, rule->key, option->text);
			else
				json_append_boolean_member(json, rule->key, option->number != 0);
			break;
		case ETL_OPTION_STRING:
		case ETL_OPTION_DEFAULTED:
		case ETL_OPTION_WORD:
			json_append_text_member(json, rule->key, option->text);
			break;
		case ETL_OPTION_INTEGER:
		case ETL_OPTION_SIZE:
			json_append_integer_member(json, rule->key, option->number);
			break;
		case ETL_OPTION_COLUMNS:
			json_append_key(json, rule->key);
			appendStringInfoString(json, option->text);
			break;
		case ETL_OPTION_REFUSED:
			pg_unreachable();
	}
	if (option->word)
		json_append_boolean_member(json, rule->word_key, true);
}

void
options_append(StringInfo json, const EtlOptions *options)
{
	for (int i = 0; i < options->count; i++)
		if (options->given[i].token != NULL && options->rules[i].key != NULL)
			append_option(json, &options->rules[i], &options->given[i]);
	authorization_append(json, &options->authorization);
}
