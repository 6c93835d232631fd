/*
 * time_auto.c
 *		Dates and times of forms that nobody has named: DATEFORMAT 'auto' and TIMEFORMAT 'auto'. See time_format.h. Pure.
 *
 * The text is cut into numbers, words and other characters, and read from left to right: each kind of token, with what
 * is behind it, says what it is, as long as nothing else has been that. Where month and day could each be the other, the
 * month is first, as in Redshift; with points between them, the day is first if it can't be a month.
 *
 *		1996-01-08  1996/1/8  1/8/1996  01-08-1996  12.17.1997  17.12.1997  19960108  960108  1996.008
 *		Jan-08-95  17-Dec-1997  1997-Dec-17  Mar 31, 2003  31 March 2003  17 Dec 07:37:16 1997  J2451187
 *		04:05  04:05:06.789  04:05 AM  040809  T040809
 *		Z  PST  +02  -0530  +05:30  BC
 *
 * Names of zones that have a history (America/New_York) are none of these: that takes the database of zones.
 */
#include "format/time_parts.h"
#include "format/time_words.h"

#define MAX_TOKENS 32

typedef struct Token
{
	char kind;	   /* '0': a number, 'a': a word; else the character */
	bool is_apart; /* there is a blank or a comma before it */
	const char *text;
	int len;
	int number;
} Token;

typedef struct Auto
{
	Token tokens[MAX_TOKENS + 4]; /* with an end that can be looked past */
	int count;
	int at;
	EtlTimeParts *parts;
	bool has_date;
	bool has_time;
	bool has_meridian;
	bool has_era;
	bool is_bc;
	bool is_short_year;
	bool is_julian;
	bool has_month; /* by name; its day and year come by themselves */
	int loose[2];
	int loose_digits[2];
	int loose_count;
} Auto;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
tokens_cut(Auto *self, const char *data, size_t len)
{
	const char *end = data + len;
	bool is_apart = true;

	while (data < end)
	{
		Token *token = &self->tokens[self->count];

		if (*data == ' ' || *data == ',' || *data == '\t')
		{
			is_apart = true;
			data++;
			continue;
		}
		if (self->count++ == MAX_TOKENS)
			return false;
		*token = (Token){.kind = *data, .is_apart = is_apart, .text = data};
		if (is_digit(*data))
		{
			token->kind = '0';
			for (; data < end && is_digit(*data); data++)
				token->number = token->number > 99999999 ? PG_INT32_MAX : token->number * 10 + (*data - '0');
		}
		else if (is_letter(*data))
		{
			token->kind = 'a';
			while (data < end && is_letter(*data))
				data++;
		}
		else
			data++;
		token->len = data - token->text;
		is_apart = false;
	}
	return true;
}

/* The token so many ahead, if it is of that kind and nothing is between it and the one before. */
static const Token *
joined(const Auto *self, int ahead, char kind)
{
	const Token *token = &self->tokens[self->at + ahead];

	return token->kind == kind && !token->is_apart ? token : NULL;
}

static bool
number_is(const Token *token, int least, int most)
{
	return token != NULL && token->len >= least && token->len <= most;
}

static bool
date_set(Auto *self, int year, int year_digits, int month, int day)
{
	if (self->has_date || year_digits > 4 || year_digits == 1)
		return false;
	self->parts->year = year;
	self->parts->month = month;
	self->parts->day = day;
	self->is_short_year = year_digits == 2;
	self->has_date = true;
	return true;
}

/* A point and digits behind a second */
static bool
time_fraction(Auto *self)
{
	const Token *fraction = joined(self, 1, '0');
	const char *at;

	if (fraction == NULL)
		return false;
	at = fraction->text;
	self->at += 2;
	return time_fraction_read(&at, fraction->text + fraction->len, &self->parts->microsecond);
}

/* HH:MM, or HH:MM:SS and its fraction */
static bool
time_with_colons(Auto *self)
{
	const Token *minute = joined(self, 2, '0');
	const Token *second = NULL;

	if (self->has_time || self->tokens[self->at].len > 2 || !number_is(minute, 2, 2))
		return false;
	self->parts->hour = self->tokens[self->at].number;
	self->parts->minute = minute->number;
	self->has_time = true;
	self->at += 3;
	if (joined(self, 0, ':') == NULL)
		return true;
	second = joined(self, 1, '0');
	if (!number_is(second, 2, 2))
		return false;
	self->parts->second = second->number;
	self->at += 2;
	return joined(self, 0, '.') == NULL || time_fraction(self);
}

/* Three of a date with the same character between them */
static bool
date_with_separators(Auto *self, char separator)
{
	const Token *one = &self->tokens[self->at];
	const Token *two = &self->tokens[self->at + 2];
	const Token *three = joined(self, 4, '0');
	int month = two->kind == 'a' ? time_word_month(two->text, two->len) : two->number;

	if (!number_is(three, 1, 4) || joined(self, 3, separator) == NULL || (two->kind == '0' && two->len > 2))
		return false;
	self->at += 5;
	if (one->kind == 'a')
		return date_set(self, three->number, three->len, time_word_month(one->text, one->len), two->number);
	if (one->len == 4)
		return three->len <= 2 && date_set(self, one->number, 4, month, three->number);
	if (one->len > 2)
		return false;
	if (two->kind == 'a' || (separator == '.' && one->number > 12))
		return date_set(self, three->number, three->len, month, one->number);
	return date_set(self, three->number, three->len, one->number, two->number);
}

/* The year and the day in it: 1996.008 */
static bool
date_of_year(Auto *self)
{
	int year = self->tokens[self->at].number;
	int day = self->tokens[self->at + 2].number;

	if (year < 1 || day < 1 || day > 365 + time_is_leap(year) || !date_set(self, year, 4, 1, 1))
		return false;
	time_days_split(time_days(year, 1, 1) + day - 1, &year, &self->parts->month, &self->parts->day);
	self->at += 3;
	return true;
}

static bool
time_of_digits(Auto *self, const Token *token)
{
	bool has_second = token->len == 6;
	int time = has_second ? token->number : token->number * 100;

	if (self->has_time)
		return false;
	self->parts->hour = time / 10000;
	self->parts->minute = time / 100 % 100;
	self->parts->second = time % 100;
	self->has_time = true;
	self->at++;
	return !has_second || joined(self, 0, '.') == NULL || time_fraction(self);
}

/* A number with nothing that belongs to it: by its digits, and by what is there already */
static bool
lone_number(Auto *self)
{
	const Token *token = &self->tokens[self->at];
	bool dated = self->has_date || self->has_month;

	if (self->has_date && !self->has_time && (token->len == 6 || token->len == 4))
		return time_of_digits(self, token);
	self->at++;
	if (token->len == 8 && !dated)
		return date_set(self, token->number / 10000, 4, token->number / 100 % 100, token->number % 100);
	if (token->len == 6 && !dated)
		return date_set(self, token->number / 10000, 2, token->number / 100 % 100, token->number % 100);
	if (token->len > 4 || self->has_date || self->loose_count == 2)
		return false;
	self->loose[self->loose_count] = token->number;
	self->loose_digits[self->loose_count++] = token->len;
	return true;
}

static bool
number_token(Auto *self)
{
	const Token *token = &self->tokens[self->at];
	static const char separators[] = "-/.";

	if (joined(self, 1, ':') != NULL)
		return time_with_colons(self);
	if (!self->has_date && token->len == 4 && joined(self, 1, '.') != NULL &&
		number_is(joined(self, 2, '0'), 3, 3))
		return date_of_year(self);
	for (const char *separator = separators; *separator != '\0'; separator++)
		if (joined(self, 1, *separator) != NULL && !self->has_date &&
			(joined(self, 2, '0') != NULL || joined(self, 2, 'a') != NULL))
			return date_with_separators(self, *separator);
	return lone_number(self);
}

/* Z, or an offset behind a time: +HH, +HHMM, +HH:MM, +HH:MM:SS */
static bool
offset_token(Auto *self)
{
	int sign = self->tokens[self->at].kind == '-' ? -1 : 1;
	const Token *hour = joined(self, 1, '0');
	const Token *minute = joined(self, 3, '0');
	const Token *second = joined(self, 5, '0');
	int offset;

	if (!self->has_time || self->parts->has_zone || !number_is(hour, 1, 4) || hour->len == 3)
		return false;
	offset = (hour->len == 4 ? hour->number / 100 * 60 + hour->number % 100 : hour->number * 60) * 60;
	self->at += 2;
	if (hour->len <= 2 && joined(self, 0, ':') != NULL)
	{
		if (!number_is(minute, 2, 2) || minute->number > 59)
			return false;
		offset += minute->number * 60;
		self->at += 2;
		if (joined(self, 0, ':') != NULL)
		{
			if (!number_is(second, 2, 2) || second->number > 59)
				return false;
			offset += second->number;
			self->at += 2;
		}
	}
	self->parts->has_zone = true;
	self->parts->zone = sign * offset;
	return offset < TZDISP_LIMIT && (hour->len != 4 || hour->number % 100 < 60);
}

static bool
is_word(const Token *token, const char *word)
{
	return strlen(word) == (size_t) token->len && pg_strncasecmp(token->text, word, token->len) == 0;
}

/* The day since 4714 BC that astronomers count */
static bool
julian_token(Auto *self)
{
	const Token *number = joined(self, 1, '0');
	int year;
	int month;
	int day;

	if (!number_is(number, 1, 7))
		return false;
	time_days_split(number->number - POSTGRES_EPOCH_JDATE, &year, &month, &day);
	self->at += 2;
	self->is_julian = true;
	return date_set(self, year, 4, month, day);
}

static bool
word_token(Auto *self)
{
	const Token *token = &self->tokens[self->at];
	int month = time_word_month(token->text, token->len);

	if (is_word(token, "j"))
		return julian_token(self);
	if (month > 0)
	{
		if (self->has_date || self->has_month)
			return false;
		if (joined(self, 1, '-') != NULL && joined(self, 2, '0') != NULL)
			return date_with_separators(self, '-');
		self->has_month = true;
		self->parts->month = month;
	}
	else if (is_word(token, "am") || is_word(token, "pm"))
	{
		if (!self->has_time || self->has_meridian ||
			!time_hour_of_meridian(self->parts, (*token->text | 0x20) == 'p'))
			return false;
		self->has_meridian = true;
	}
	else if (is_word(token, "bc") || is_word(token, "ad"))
	{
		if (self->has_era)
			return false;
		self->has_era = true;
		self->is_bc = (*token->text | 0x20) == 'b';
	}
	else if (is_word(token, "t"))
	{
		if (!self->has_date || self->has_time || joined(self, 1, '0') == NULL)
			return false;
	}
	else if (!time_word_is_weekday(token->text, token->len))
	{
		if (!self->has_time || self->parts->has_zone ||
			!time_word_zone(token->text, token->len, &self->parts->zone))
			return false;
		self->parts->has_zone = true;
	}
	self->at++;
	return true;
}

/* Day and year of a month that has its name */
static bool
loose_date(Auto *self)
{
	int year = self->loose_digits[0] > 2 ? 0 : 1;

	return self->loose_count == 2 && self->loose_digits[1 - year] <= 2 &&
		   date_set(self, self->loose[year], self->loose_digits[year], self->parts->month,
					self->loose[1 - year]);
}

static bool
year_finish(Auto *self)
{
	EtlTimeParts *parts = self->parts;

	if (parts->year < 1)
		return self->is_julian;
	if (self->is_bc)
	{
		parts->year = 1 - parts->year;
		/* the first date that there is for PostgreSQL */
		return parts->year > -4713 ||
			   (parts->year == -4713 && parts->month >= 11 && (parts->month == 12 || parts->day >= 24));
	}
	if (self->is_short_year)
		parts->year += parts->year < 70 ? 2000 : 1900;
	return true;
}

static bool
token_read(Auto *self)
{
	switch (self->tokens[self->at].kind)
	{
		case '0':
			return number_token(self);
		case 'a':
			return word_token(self);
		case '+':
		case '-':
			return offset_token(self);
		default:
			return false;
	}
}

bool
time_auto_read(const char *data, size_t len, EtlTimeParts *parts)
{
	Auto self = {.parts = parts};

	if (!tokens_cut(&self, data, len))
		return false;
	while (self.at < self.count)
		if (!token_read(&self))
			return false;
	if (self.has_month ? !loose_date(&self) : self.loose_count > 0 || !self.has_date)
		return false;
	return year_finish(&self) && time_is_date(parts->year, parts->month, parts->day) && time_is_time(parts);
}
