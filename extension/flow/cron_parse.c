/*
 * cron_parse.c
 *		Reads cron expressions, the classic and AWS's.
 *
 *		field = item { "," item }
 *		item  = range [ "/" step ] | "L" [ "-" n ] | "LW" | n "W" (day of month) | n "#" n | n "L" (day of week)
 *		range = "*" | n | n "-" n
 *
 * n is a number, or the name of a month or weekday. A range that ends before it starts goes on past the highest value:
 * FRI-MON, 22-2. A number with a step starts a range to the highest value.
 */
#include "base/platform.h"

#include "flow/cron.h"

/* What a field may hold. A set's bit n stands for first + n. */
typedef struct Field
{
	const char *name;
	int first;
	int count;			 /* of different values */
	bool both_ends;		 /* first + count is another name for first: the classic 7 for Sunday */
	const char *names;	 /* three letters each, of first and on; NULL: none */
	const char *allowed; /* for DETAIL */
} Field;

static const Field second_field = {.name = "second", .first = 0, .count = 60, .allowed = "Seconds are 0-59."};
static const Field minute_field = {.name = "minute", .first = 0, .count = 60, .allowed = "Minutes are 0-59."};
static const Field hour_field = {.name = "hour", .first = 0, .count = 24, .allowed = "Hours are 0-23."};
static const Field day_field = {.name = "day of month",
								.first = 1,
								.count = 31,
								.allowed =
									"Days of the month are 1-31, L (the last), L-2 (two days before the "
									"last), 15W (the weekday nearest to the 15th) and LW (the last "
									"weekday)."};
static const Field month_field = {.name = "month",
								  .first = 1,
								  .count = 12,
								  .names = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC",
								  .allowed = "Months are 1-12 or JAN-DEC."};
static const Field weekday_field = {.name = "day of week",
									.first = 0,
									.count = 7,
									.both_ends = true,
									.names = "SUNMONTUEWEDTHUFRISAT",
									.allowed =
										"Days of the week are 0-7 (0 and 7 are Sunday) or SUN-SAT; 5#2 "
										"is the second Friday of the month, 5L its last."};
static const Field aws_weekday_field = {.name = "day of week",
										.first = 1,
										.count = 7,
										.names = "SUNMONTUEWEDTHUFRISAT",
										.allowed =
											"Days of the week are 1-7 (1 is Sunday) or SUN-SAT; 6#2 is "
											"the second Friday of the month, 6L its last, L is "
											"Saturday."};
static const Field year_field = {.name = "year",
								 .first = ETL_CRON_FIRST_YEAR,
								 .count = ETL_CRON_LAST_YEAR - ETL_CRON_FIRST_YEAR + 1,
								 .allowed = "Years are 1970-2199."};

typedef struct Text
{
	const char *at;
	const char *end;
} Text;

typedef struct Parser
{
	const char *schedule; /* for messages */
	const Field *field;
	Text item; /* for messages */
	EtlCron *cron;
	EtlError *error;
	uint64 set[4];
} Parser;

static bool
invalid(Parser *parser, const char *hint)
{
	etl_error_set(parser->error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid %s \"%.*s\" in schedule \"%s\"",
				  parser->field->name, (int) (parser->item.end - parser->item.at), parser->item.at,
				  parser->schedule);
	etl_error_detail(parser->error, "%s", parser->field->allowed);
	etl_error_hint(parser->error, "%s", hint);
	return false;
}

static bool
invalid_value(Parser *parser)
{
	if (parser->item.end - parser->item.at == 1 && *parser->item.at == '?')
		return invalid(parser, "Write *; only cron(...) has ?, for one of day of month and day of week.");
	return invalid(parser, "Write *, a value, a range (1-5), a step (*/2), or a list of them (1,3,5-7).");
}

static bool
take(Text *text, char c)
{
	if (text->at == text->end || pg_toupper((unsigned char) *text->at) != c)
		return false;
	text->at++;
	return true;
}

static bool
take_number(Text *text, int *number)
{
	const char *start = text->at;

	*number = 0;
	while (text->at < text->end && *text->at >= '0' && *text->at <= '9')
	{
		if (text->at - start == 4)
			return false;
		*number = *number * 10 + (*text->at++ - '0');
	}
	return text->at > start;
}

/* A number or name, as its place in the set. */
static bool
take_value(const Field *field, Text *text, int *value)
{
	if (take_number(text, value))
	{
		*value -= field->first;
		return *value >= 0 && *value < field->count + (field->both_ends ? 1 : 0);
	}
	if (field->names == NULL || text->end - text->at < 3)
		return false;
	for (int i = 0; i < field->count; i++)
		if (pg_strncasecmp(text->at, field->names + 3 * i, 3) == 0)
		{
			text->at += 3;
			*value = i;
			return true;
		}
	return false;
}

static void
add_to_set(Parser *parser, int value)
{
	value %= parser->field->count;
	parser->set[value / 64] |= UINT64_C(1) << (value % 64);
}

/* What only a day of month can be: L, L-n, LW, nW. */
static bool
take_special_day(Parser *parser, Text *text)
{
	int n;

	if (take(text, 'L'))
	{
		if (take(text, 'W'))
			parser->cron->nearest_weekday |= 1;
		else if (!take(text, '-'))
			parser->cron->days_before_end |= 1;
		else if (take_number(text, &n) && n <= 30)
			parser->cron->days_before_end |= UINT32_C(1) << n;
		else
			return false;
		return text->at == text->end;
	}
	if (!take_value(parser->field, text, &n) || !take(text, 'W') || text->at < text->end)
		return false;
	parser->cron->nearest_weekday |= UINT32_C(1) << (n + 1);
	return true;
}

/* What only a day of week can be: n#n, nL, and in AWS's form L. */
static bool
take_special_weekday(Parser *parser, Text *text)
{
	int weekday, n;

	if (parser->field == &aws_weekday_field && text->end - text->at == 1 && take(text, 'L'))
	{
		add_to_set(parser, 6);
		return true;
	}
	if (!take_value(parser->field, text, &weekday))
		return false;
	if (take(text, 'L'))
		n = 0;
	else if (!take(text, '#') || !take_number(text, &n) || n < 1 || n > 5)
		return false;
	parser->cron->nth_weekday[weekday % 7] |= 1 << n;
	return text->at == text->end;
}

static bool
take_range(Parser *parser, Text *text)
{
	const Field *field = parser->field;
	int highest = field->count - 1;
	int first = 0, last = highest, step = 1;
	bool single = false;

	if (!take(text, '*'))
	{
		if (!take_value(field, text, &first))
			return invalid_value(parser);
		single = !take(text, '-');
		last = first;
		if (!single && !take_value(field, text, &last))
			return invalid_value(parser);
	}
	if (take(text, '/'))
	{
		if (!take_number(text, &step) || step < 1 || step > field->count)
		{
			char hint[80];

			snprintf(hint, sizeof(hint), "A step of this field is a number from 1 to %d.", field->count);
			return invalid(parser, hint);
		}
		if (single)
			last = Max(first, highest);
	}
	if (text->at < text->end)
		return invalid_value(parser);
	if (last < first)
	{
		if (field == &year_field)
			return invalid(parser, "Put the lower end of the range first.");
		last += field->count;
	}
	for (int value = first; value <= last; value += step)
		add_to_set(parser, value);
	return true;
}

static bool
parse_item(Parser *parser)
{
	Text text = parser->item;

	if (parser->field == &day_field && take_special_day(parser, &text))
		return true;
	text = parser->item;
	if ((parser->field == &weekday_field || parser->field == &aws_weekday_field) &&
		take_special_weekday(parser, &text))
		return true;
	text = parser->item;
	return take_range(parser, &text);
}

/* Leaves the field's values in parser->set. */
static bool
parse_field(Parser *parser, const Field *field, Text text)
{
	parser->field = field;
	memset(parser->set, 0, sizeof(parser->set));
	for (;;)
	{
		const char *comma = memchr(text.at, ',', text.end - text.at);

		parser->item = (Text){text.at, comma == NULL ? text.end : comma};
		if (!parse_item(parser))
			return false;
		if (comma == NULL)
			return true;
		text.at = comma + 1;
	}
}

static bool
is_question_mark(Text text)
{
	return text.end - text.at == 1 && *text.at == '?';
}

/* AWS has "?" in one of the two; the other one decides. Classic cron has either of them decide if both are restricted. */
static bool
parse_days(Parser *parser, EtlCronForm form, Text day, Text weekday)
{
	EtlCron *cron = parser->cron;
	const Field *field = form == ETL_CRON_AWS ? &aws_weekday_field : &weekday_field;
	bool any_day = form == ETL_CRON_AWS && is_question_mark(day);
	bool any_weekday = form == ETL_CRON_AWS && is_question_mark(weekday);

	if (form == ETL_CRON_AWS && any_day == any_weekday)
	{
		etl_error_set(parser->error, ERRCODE_INVALID_PARAMETER_VALUE,
					  "invalid day of month \"%.*s\" and day of week \"%.*s\" in schedule \"%s\"",
					  (int) (day.end - day.at), day.at, (int) (weekday.end - weekday.at), weekday.at,
					  parser->schedule);
		etl_error_detail(parser->error, "Exactly one of the two must be ?.");
		etl_error_hint(
			parser->error,
			"Write ? for the one that does not matter, as in cron(0 9 ? * MON-FRI *) and cron(0 9 * * ? *).");
		return false;
	}
	cron->either_day = *day.at != '*' && *weekday.at != '*' && form == ETL_CRON_CLASSIC;
	if (any_day)
		cron->days = PG_UINT32_MAX;
	else if (!parse_field(parser, &day_field, day))
		return false;
	else
		cron->days = parser->set[0] << 1;
	if (any_weekday)
		cron->weekdays = PG_UINT8_MAX;
	else if (!parse_field(parser, field, weekday))
		return false;
	else
		cron->weekdays = parser->set[0];
	return true;
}

#define MAX_FIELDS 7

/* How many fields there are, at most MAX_FIELDS + 1; those up to MAX_FIELDS are given. */
static int
split_fields(const char *text, Text *fields)
{
	static const char *space = " \t\r\n";
	int count = 0;

	for (;;)
	{
		text += strspn(text, space);
		if (*text == '\0' || count > MAX_FIELDS)
			return count;
		if (count < MAX_FIELDS)
			fields[count] = (Text){text, text + strcspn(text, space)};
		count++;
		text += strcspn(text, space);
	}
}

static bool
wrong_count(Parser *parser, EtlCronForm form, int count)
{
	etl_error_set(parser->error, ERRCODE_INVALID_PARAMETER_VALUE,
				  "invalid number of fields in schedule \"%s\"", parser->schedule);
	if (form == ETL_CRON_AWS)
	{
		etl_error_detail(parser->error,
						 "cron(...) has six fields: minute hour day-of-month month day-of-week year.");
		etl_error_hint(parser->error, "For example cron(0 9 ? * MON-FRI *).");
	}
	else
	{
		etl_error_detail(parser->error,
						 "A schedule has five fields, minute hour day-of-month month day-of-week, or "
						 "six with the second first.");
		etl_error_hint(parser->error,
					   "For example 0 9 * * MON-FRI, @daily, rate(5 minutes), cron(0 9 ? * MON-FRI *).");
	}
	return false;
}

static bool
never_comes(Parser *parser)
{
	etl_error_set(parser->error, ERRCODE_INVALID_PARAMETER_VALUE, "schedule \"%s\" never comes",
				  parser->schedule);
	etl_error_detail(parser->error, "No date from 1970 to 2199 has such a day, month and year.");
	etl_error_hint(parser->error, "Check the days against the months: no February has a 30th.");
	return false;
}

bool
cron_parse(const char *schedule, const char *fields, EtlCronForm form, EtlCron *cron, EtlError *error)
{
	Parser parser = {.schedule = schedule, .cron = cron, .error = error};
	Text text[MAX_FIELDS];
	int count = split_fields(fields, text);
	const Text *field = text;
	int64 first;

	memset(cron, 0, sizeof(*cron));
	if (count != 6 && (count != 5 || form == ETL_CRON_AWS))
		return wrong_count(&parser, form, count);

	cron->seconds = 1;
	if (form == ETL_CRON_CLASSIC && count == 6)
	{
		if (!parse_field(&parser, &second_field, *field++))
			return false;
		cron->seconds = parser.set[0];
	}
	if (!parse_field(&parser, &minute_field, field[0]))
		return false;
	cron->minutes = parser.set[0];
	if (!parse_field(&parser, &hour_field, field[1]))
		return false;
	cron->hours = parser.set[0];
	if (!parse_days(&parser, form, field[2], field[4]))
		return false;
	if (!parse_field(&parser, &month_field, field[3]))
		return false;
	cron->months = parser.set[0] << 1;
	if (form == ETL_CRON_AWS)
	{
		if (!parse_field(&parser, &year_field, field[5]))
			return false;
		memcpy(cron->years, parser.set, sizeof(cron->years));
	}
	else
		memset(cron->years, 0xFF, sizeof(cron->years));
	return cron_next_local(cron, -1, &first) || never_comes(&parser);
}
