/*
 * copy_job.c
 *		See copy_job.h. Jobs are rows of etl.copy_job; each statement is a call of a function that keeps them.
 */
#include "dialect/copy_job.h"

#include "dialect/literal.h"

bool
copy_job_is_next(const EtlParser *parser)
{
	static const char *const actions[] = {"create", "run", "list", "show", "alter", "drop"};

	if (!parser_is_word(parser, "job"))
		return false;
	for (int i = 0; i < lengthof(actions); i++)
		if (lexer_is_word(parser->sql, parser_peek(parser, 1), actions[i]))
			return true;
	return false;
}

/* [AUTO ON | OFF]; true: it is there */
static bool
parse_auto(EtlParser *parser, bool *there, bool *automatic)
{
	*there = parser_accept_word(parser, "auto");
	if (!*there)
		return true;
	*automatic = parser_accept_word(parser, "on");
	return *automatic || parser_accept_word(parser, "off") || parser_fail(parser, "ON or OFF");
}

static bool
parse_action(EtlParser *parser, StringInfo sql)
{
	static const char job_name[] = "the name of a copy job";
	bool automatic = false;
	bool there = false;
	char *name;

	if (parser_is_word(parser, "create"))
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "JOB CREATE has no COPY");
		etl_error_hint(parser->error, "Write COPY table FROM 's3://...' IAM_ROLE ... JOB CREATE name.");
		return parser_fail_at(parser, parser_token(parser));
	}
	if (parser_accept_word(parser, "list"))
	{
		appendStringInfoString(sql, "SELECT * FROM redshift.sys_copy_job ORDER BY job_name");
		return true;
	}
	if (parser_accept_word(parser, "alter"))
	{
		if (!parser_expect_identifier(parser, job_name, &name) || !parse_auto(parser, &there, &automatic))
			return false;
		if (!there)
			return parser_fail(parser, "AUTO ON or AUTO OFF");
		appendStringInfoString(sql, "SELECT etl.copy_job_alter(");
		literal_append(sql, name);
		appendStringInfo(sql, ", %s)", automatic ? "true" : "false");
		return true;
	}
	appendStringInfoString(sql, parser_is_word(parser, "run")	 ? "SELECT etl.copy_job_run("
								: parser_is_word(parser, "show") ? "SELECT * FROM etl.copy_job_show("
																 : "SELECT etl.copy_job_drop(");
	parser_advance(parser);
	if (!parser_expect_identifier(parser, job_name, &name))
		return false;
	literal_append(sql, name);
	appendStringInfoChar(sql, ')');
	return true;
}

EtlFamilyResult
translate_copy_job(EtlParser *parser, EtlTranslation *out)
{
	StringInfoData sql;

	initStringInfo(&sql);
	parser_advance(parser);
	if (!parse_action(parser, &sql) || !parser_expect_end(parser))
		return ETL_FAMILY_FAILED;
	out->sql = sql.data;
	return ETL_FAMILY_DONE;
}

bool
copy_job_split(EtlParser *parser, EtlParser *copy, EtlCopyJob *job)
{
	EtlToken *tokens;
	bool there;
	int at = parser->next;

	*copy = *parser;
	*job = (EtlCopyJob){.automatic = true};
	while (parser->tokens[at].kind != ETL_TOKEN_END &&
		   !(lexer_is_word(parser->sql, &parser->tokens[at], "job") &&
			 lexer_is_word(parser->sql, &parser->tokens[at + 1], "create")))
		at++;
	if (parser->tokens[at].kind == ETL_TOKEN_END)
		return true;
	job->token = at;
	tokens = palloc((at + 1) * sizeof(EtlToken));
	memcpy(tokens, parser->tokens, (at + 1) * sizeof(EtlToken));
	tokens[at].kind = ETL_TOKEN_END;
	copy->tokens = tokens;
	parser->next = at + 2;
	return parser_expect_identifier(parser, "the name of a copy job", &job->name) &&
		   parse_auto(parser, &there, &job->automatic) && parser_expect_end(parser);
}

bool
copy_job_check_options(EtlParser *parser, const EtlCopyJob *job, const EtlOptions *options)
{
	static const char *const refused[] = {"MANIFEST", "MAXERROR", "IGNOREALLERRORS", "NOLOAD"};

	if (job->token == 0)
		return true;
	if (options->authorization.iam_role == NULL)
	{
		etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED, "a copy job cannot have keys");
		etl_error_hint(parser->error, "Use IAM_ROLE.");
		return parser_fail_at(parser, &parser->tokens[job->token]);
	}
	for (int i = 0; i < lengthof(refused); i++)
	{
		const EtlToken *token = options_find(options, refused[i]);

		if (token == NULL)
			continue;
		etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED, "a copy job cannot have option \"%s\"",
					  refused[i]);
		etl_error_hint(parser->error, "A job loads whole files, those that are found under its prefix.");
		return parser_fail_at(parser, token);
	}
	return true;
}

void
copy_job_append(StringInfo sql, const EtlParser *parser, const EtlCopyJob *job)
{
	int end = parser->tokens[job->token - 1].end;
	char *statement = pnstrdup(parser->sql, end);

	appendStringInfo(sql, ", auto => %s, statement => ", job->automatic ? "true" : "false");
	literal_append(sql, statement);
}
