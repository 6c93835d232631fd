/*
 * profile_file.c
 *		Reading a profile out of a file. See profile_file.h.
 *
 * No text of the file is ever part of an error: the line that makes no sense may be half a secret.
 */
#include "aws/profile_file.h"

#define BLANKS " \t\r"

typedef struct Line
{
	char *text; /* without the blanks around it */
	bool indented;
} Line;

/* The next line, which is cut out of *rest; false: there is none. */
static bool
next_line(char **rest, Line *line)
{
	char *text = *rest;
	size_t length;

	if (*text == '\0')
		return false;
	length = strcspn(text, "\n");
	*rest = text + length + (text[length] == '\n' ? 1 : 0);
	text[length] = '\0';
	line->indented = strchr(BLANKS, *text) != NULL && *text != '\0';
	text += strspn(text, BLANKS);
	length = strlen(text);
	while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
		text[--length] = '\0';
	line->text = text;
	return true;
}

static bool
line_is_empty(const Line *line)
{
	return line->text[0] == '\0' || line->text[0] == '#' || line->text[0] == ';';
}

/* "[name]": is it the section of this profile? False with *bad: it is no section. */
static bool
section_is(char *text, bool config, const char *profile, bool *bad)
{
	char *end = strchr(text, ']');
	char *name;
	size_t length;

	*bad = end == NULL || (end[1] != '\0' && strchr(" \t#;", end[1]) == NULL);
	if (*bad)
		return false;
	*end = '\0';
	name = text + 1 + strspn(text + 1, BLANKS);
	length = strlen(name);
	while (length > 0 && strchr(BLANKS, name[length - 1]) != NULL)
		name[--length] = '\0';
	if (config && strncmp(name, "profile", 7) == 0 && name[7] != '\0' && strchr(BLANKS, name[7]) != NULL)
		name += 7 + strspn(name + 7, BLANKS);
	else if (config && strcmp(name, "default") != 0)
		return false;
	return strcmp(name, profile) == 0;
}

static void
take_setting(EtlAwsProfile *out, const char *name, const char *value)
{
	const struct
	{
		const char *name;
		char **field;
	} settings[] = {
		{"aws_access_key_id", &out->access_key_id},
		{"aws_secret_access_key", &out->secret_access_key},
		{"aws_session_token", &out->session_token},
		{"role_arn", &out->role_arn},
		{"source_profile", &out->source_profile},
		{"credential_source", &out->credential_source},
		{"external_id", &out->external_id},
		{"role_session_name", &out->role_session_name},
		{"web_identity_token_file", &out->web_identity_token_file},
		{"credential_process", &out->credential_process},
		{"sso_session", &out->sso},
		{"sso_start_url", &out->sso},
	};

	for (int i = 0; i < lengthof(settings); i++)
		if (pg_strcasecmp(name, settings[i].name) == 0)
			*settings[i].field = pstrdup(value);
}

/* "name = value"; the value may be empty. */
static bool
split_setting(char *text, char **name, char **value)
{
	char *equals = strchr(text, '=');
	size_t length;

	if (equals == NULL || equals == text)
		return false;
	*value = equals + 1 + strspn(equals + 1, BLANKS);
	*name = text;
	length = equals - text;
	while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
		length--;
	text[length] = '\0';
	return length > 0;
}

/* A profile's keys go together: a session token of one file is not for the keys of another. */
static void
take_keys(EtlAwsProfile *out, const EtlAwsProfile *from)
{
	if (from->access_key_id == NULL)
		return;
	out->access_key_id = from->access_key_id;
	out->secret_access_key = from->secret_access_key;
	out->session_token = from->session_token;
}

#define TAKE(field) (out->field = from.field != NULL ? from.field : out->field)

bool
profile_file_parse(const char *text, bool config, const char *profile, EtlAwsProfile *out, EtlError *error)
{
	char *copy = pstrdup(text);
	size_t size = strlen(copy);
	char *rest = copy;
	EtlAwsProfile from = {.found = false};
	bool ours = false;
	bool bad = false;
	int number = 0;
	Line line;

	while (!bad && next_line(&rest, &line))
	{
		char *name;
		char *value;

		number++;
		/* What is indented belongs to the setting above it, and none of those is for us. */
		if (line_is_empty(&line) || (line.indented && line.text[0] != '['))
			continue;
		if (line.text[0] == '[')
			ours = section_is(line.text, config, profile, &bad);
		else if (ours && !split_setting(line.text, &name, &value))
			bad = true;
		else if (ours)
			take_setting(&from, name, value);
		from.found |= ours;
	}
	explicit_bzero(copy, size);
	pfree(copy);
	if (bad)
	{
		etl_error_set(error, ERRCODE_CONFIG_FILE_ERROR, "invalid line in an AWS profile file");
		etl_error_detail(error, "Line %d is neither a [section] nor name = value.", number);
		return false;
	}
	out->found |= from.found;
	take_keys(out, &from);
	TAKE(role_arn);
	TAKE(source_profile);
	TAKE(credential_source);
	TAKE(external_id);
	TAKE(role_session_name);
	TAKE(web_identity_token_file);
	TAKE(credential_process);
	TAKE(sso);
	return true;
}
