/*
 * authorization.c
 *		Who asks S3: parsed into one shape whichever way it was written. No part of a value goes into an error.
 */
#include "dialect/authorization.h"

#include "dialect/json.h"

const char *const authorization_words[] = {"IAM_ROLE",		"ACCESS_KEY_ID", "SECRET_ACCESS_KEY",
										   "SESSION_TOKEN", "CREDENTIALS",	 NULL};

bool
authorization_is_next(const EtlParser *parser)
{
	const EtlToken *token = parser_token(parser);

	if (parser_is_word(parser, "with"))
		token = parser_peek(parser, 1);
	for (const char *const *word = authorization_words; *word; word++)
		if (lexer_is_word(parser->sql, token, *word))
			return true;
	return false;
}

static bool
set_part(EtlParser *parser, const EtlToken *token, char **part, char *value, const char *name)
{
	if (*part != NULL)
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "authorization \"%s\" is given twice", name);
		etl_error_hint(parser->error, "Keep one of the two.");
		return parser_fail_at(parser, token);
	}
	*part = value;
	return true;
}

/* aws_iam_role=…, or aws_access_key_id=…;aws_secret_access_key=…[;token=…] */
static bool
parse_credentials(EtlParser *parser, const EtlToken *token, EtlAuthorization *authorization, char *text)
{
	char *next;

	for (char *part = strtok_r(text, ";", &next); part != NULL; part = strtok_r(NULL, ";", &next))
	{
		char *equals = strchr(part, '=');
		int length;
		bool ok;

		part += strspn(part, " \t\r\n");
		if (*part == '\0')
			continue;
		length = equals != NULL ? (int) (equals - part) : 0;
		if (length == 12 && pg_strncasecmp(part, "aws_iam_role", length) == 0)
			ok = set_part(parser, token, &authorization->iam_role, equals + 1, "aws_iam_role");
		else if (length == 17 && pg_strncasecmp(part, "aws_access_key_id", length) == 0)
			ok = set_part(parser, token, &authorization->access_key_id, equals + 1, "aws_access_key_id");
		else if (length == 21 && pg_strncasecmp(part, "aws_secret_access_key", length) == 0)
			ok = set_part(parser, token, &authorization->secret_access_key, equals + 1,
						  "aws_secret_access_key");
		else if (length == 5 && pg_strncasecmp(part, "token", length) == 0)
			ok = set_part(parser, token, &authorization->session_token, equals + 1, "token");
		else if (length == 20 && pg_strncasecmp(part, "master_symmetric_key", length) == 0)
		{
			etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED,
						  "client-side encryption (\"master_symmetric_key\") is not supported");
			etl_error_hint(parser->error, "Let S3 encrypt: take the key out of the credentials.");
			return parser_fail_at(parser, token);
		}
		else
		{
			etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "unknown part in the credentials string");
			etl_error_hint(parser->error, "It is 'aws_iam_role=...' or "
										  "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'.");
			return parser_fail_at(parser, token);
		}
		if (!ok)
			return false;
	}
	return true;
}

bool
authorization_parse(EtlParser *parser, EtlAuthorization *authorization)
{
	const EtlToken *keyword;
	const EtlToken *argument;
	char **part = NULL;
	char *name;
	char *value;

	parser_accept_word(parser, "with");
	keyword = parser_token(parser);
	name = pnstrdup(parser->sql + keyword->start, keyword->end - keyword->start);
	parser_advance(parser);
	parser_accept_word(parser, "as");
	argument = parser_token(parser);

	if (lexer_is_word(parser->sql, keyword, "iam_role"))
		part = &authorization->iam_role;
	else if (lexer_is_word(parser->sql, keyword, "access_key_id"))
		part = &authorization->access_key_id;
	else if (lexer_is_word(parser->sql, keyword, "secret_access_key"))
		part = &authorization->secret_access_key;
	else if (lexer_is_word(parser->sql, keyword, "session_token"))
		part = &authorization->session_token;

	if (part == &authorization->iam_role && parser_accept_word(parser, "default"))
		value = pstrdup("default");
	else if (!parser_is_string(parser))
	{
		/* not parser_fail: what stands here may be the key itself */
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "authorization \"%s\" has no value in quotes",
					  name);
		etl_error_hint(parser->error, "Write the value between single quotes.");
		return parser_fail_at(parser, argument);
	}
	else if (!parser_expect_string(parser, "a value", &value))
		return false;
	if (part == NULL)
	{
		authorization->from_credentials = true;
		return parse_credentials(parser, argument, authorization, value);
	}
	return set_part(parser, keyword, part, value, name);
}

bool
authorization_check(EtlParser *parser, const EtlAuthorization *authorization, const char *command)
{
	bool keys = authorization->access_key_id != NULL || authorization->secret_access_key != NULL ||
				authorization->session_token != NULL;

	if (authorization->iam_role == NULL && !keys)
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "%s has no authorization", command);
		etl_error_hint(parser->error, "Add IAM_ROLE default, IAM_ROLE 'arn:aws:iam::...', or ACCESS_KEY_ID '...' "
									  "SECRET_ACCESS_KEY '...'.");
	}
	else if (authorization->iam_role != NULL && keys)
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR,
					  "%s has two authorizations: a role and an access key", command);
		etl_error_hint(parser->error, "Keep one of the two.");
	}
	else if (keys && (authorization->access_key_id == NULL || authorization->secret_access_key == NULL))
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "%s has only a part of an access key", command);
		etl_error_hint(parser->error,
					   "An access key is ACCESS_KEY_ID and SECRET_ACCESS_KEY, and SESSION_TOKEN when it "
					   "is temporary.");
	}
	else
		return true;
	return parser_fail_at(parser, parser_token(parser));
}

void
authorization_append(StringInfo json, const EtlAuthorization *authorization)
{
	if (authorization->iam_role != NULL)
	{
		json_append_text_member(json, "iam_role", authorization->iam_role);
		return;
	}
	json_append_key(json, "credentials");
	appendStringInfoChar(json, '{');
	json_append_text_member(json, "access_key_id", authorization->access_key_id);
	json_append_text_member(json, "secret_access_key", authorization->secret_access_key);
	if (authorization->session_token != NULL)
		json_append_text_member(json, "session_token", authorization->session_token);
	appendStringInfoChar(json, '}');
}
