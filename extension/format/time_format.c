/*
 * time_format.c
 *		Patterns of dates and times. See time_format.h.
 */
#include "format/time_parts.h"
#include "format/time_words.h"

#include <math.h>

typedef enum Part
{
	PART_YEAR,
	PART_SHORT_YEAR,
	PART_MONTH,
	PART_MONTH_NAME,
	PART_DAY,
	PART_HOUR,
	PART_HOUR12,
	PART_MINUTE,
	PART_SECOND, /* and its fraction */
	PART_MERIDIAN,
	PART_ZULU,
	PART_BLANK,
	PART_CHARACTER
} Part;

typedef struct Element
{
	uint8 part;
	char character; /* of PART_CHARACTER */
	bool is_joined; /* what follows is a number, too: it has all its digits */
} Element;

typedef enum Mode
{
	MODE_PATTERN,
	MODE_AUTO,
	MODE_SECONDS,
	MODE_MILLISECONDS
} Mode;

struct EtlTimeFormat
{
	Mode mode;
	bool has_meridian;
	int count;
	Element elements[FLEXIBLE_ARRAY_MEMBER];
};

/* Longer ones first. Those without a part are known and can't be in a format. */
static const struct
{
	const char *name;
	int part;
} parts_known[] = {
	{"yyyy", PART_YEAR},
	{"yy", PART_SHORT_YEAR},
	{"month", PART_MONTH_NAME},
	{"mon", PART_MONTH_NAME},
	{"mm", PART_MONTH},
	{"mi", PART_MINUTE},
	{"dd", PART_DAY},
	{"hh24", PART_HOUR},
	{"hh12", PART_HOUR12},
	{"hh", PART_HOUR},
	{"ss", PART_SECOND},
	{"am", PART_MERIDIAN},
	{"pm", PART_MERIDIAN},
	{"tzh", -1},
	{"tzm", -1},
	{"tz", -1},
	{"of", -1},
	{"t", PART_CHARACTER},
	{"z", PART_ZULU},
};

static bool
is_number(uint8 part)
{
	return part <= PART_SECOND && part != PART_MONTH_NAME;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
refuse(const char *format, bool is_date, EtlError *error, const char *detail)
{
	etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid %s \"%s\"",
				  is_date ? "date format" : "time format", format);
	etl_error_detail(error, "%s", detail);
	etl_error_hint(error,
				   is_date ? "Use YYYY, YY, MM, MON, DD and separators, or \"auto\"."
						   : "Use YYYY, YY, MM, MON, DD, HH24, HH12, MI, SS, AM and separators, or \"auto\", "
							 "\"epochsecs\" or \"epochmillisecs\".");
	return false;
}

static void
element_add(EtlTimeFormat *out, Part part, char character)
{
	out->elements[out->count++] = (Element){part, character};
}

/* .SSSSSS, .MS and .US after SS are the fraction that it may have anyway. Returns how long that is, or 0. */
static size_t
fraction_length(const char *at)
{
	size_t count = 0;

	if (*at != '.')
		return 0;
	if (pg_strncasecmp(at + 1, "ms", 2) == 0 || pg_strncasecmp(at + 1, "us", 2) == 0)
		return 3;
	while (at[1 + count] == 's' || at[1 + count] == 'S')
		count++;
	return count > 0 && count <= 6 ? 1 + count : 0;
}

static bool
pattern_compile(const char *format, bool is_date, EtlTimeFormat *out, EtlError *error)
{
	uint32 seen = 0;

	for (const char *at = format; *at != '\0';)
	{
		int i = 0;

		if (*at == '"')
		{
			for (at++; *at != '"' && *at != '\0'; at++)
				element_add(out, PART_CHARACTER, *at);
			if (*at++ == '\0')
				return refuse(format, is_date, error, "A double quote has no other to end its text.");
			continue;
		}
		if (!is_letter(*at))
		{
			if (is_digit(*at))
				return refuse(format, is_date, error, "A digit is no part of a date or time.");
			if (*at != ' ')
				element_add(out, PART_CHARACTER, *at);
			else if (out->count == 0 || out->elements[out->count - 1].part != PART_BLANK)
				element_add(out, PART_BLANK, ' ');
			at++;
			continue;
		}
		while (i < lengthof(parts_known) &&
			   pg_strncasecmp(at, parts_known[i].name, strlen(parts_known[i].name)) != 0)
			i++;
		if (i == lengthof(parts_known))
		{
			char detail[128];

			snprintf(detail, sizeof(detail),
					 "What starts with \"%c\" at character %d is no part of a date or time.", *at,
					 (int) (at - format) + 1);
			return refuse(format, is_date, error, detail);
		}
		if (parts_known[i].part < 0)
			return refuse(format, is_date, error,
						  "A time zone can't be part of it; \"auto\" reads time zones.");
		element_add(out, parts_known[i].part, *at);
		at += strlen(parts_known[i].name);
		if (parts_known[i].part == PART_SECOND)
			at += fraction_length(at);
		if (parts_known[i].part < PART_BLANK && (seen & (1 << parts_known[i].part)) != 0)
			return refuse(format, is_date, error, "A part is there twice.");
		seen |= 1 << parts_known[i].part;
	}
	if ((seen & (1 << PART_YEAR | 1 << PART_SHORT_YEAR)) == 0)
		return refuse(format, is_date, error, "It has no year.");
	out->has_meridian = (seen & 1 << PART_MERIDIAN) != 0;
	for (int i = 0; i + 1 < out->count; i++)
		out->elements[i].is_joined = is_number(out->elements[i].part) && is_number(out->elements[i + 1].part);
	return true;
}

EtlTimeFormat *
time_format_create(const char *format, bool is_date, EtlError *error)
{
	EtlTimeFormat *out = palloc0(offsetof(EtlTimeFormat, elements) + strlen(format) * sizeof(Element));

	if (strcmp(format, "auto") == 0)
		out->mode = MODE_AUTO;
	else if (!is_date && strcmp(format, "epochsecs") == 0)
		out->mode = MODE_SECONDS;
	else if (!is_date && strcmp(format, "epochmillisecs") == 0)
		out->mode = MODE_MILLISECONDS;
	else if (!pattern_compile(format, is_date, out, error))
	{
		pfree(out);
		return NULL;
	}
	return out;
}

bool
time_format_is_auto(const EtlTimeFormat *format)
{
	return format->mode == MODE_AUTO;
}

/* A number of at most `most` digits, at least `least`; moves behind it. */
static bool
number_read(const char **at, const char *end, int least, int most, int *number)
{
	int digits = 0;

	*number = 0;
	for (; digits < most && *at < end && is_digit(**at); digits++, (*at)++)
		*number = *number * 10 + (**at - '0');
	return digits >= least;
}

static bool
month_name_read(const char **at, const char *end, int *month)
{
	const char *word = *at;

	while (*at < end && is_letter(**at))
		(*at)++;
	*month = time_word_month(word, *at - word);
	return *month > 0;
}

static bool
meridian_read(const char **at, const char *end, bool *is_pm)
{
	if (end - *at < 2 || ((*at)[1] | 0x20) != 'm' || (((*at)[0] | 0x20) != 'a' && ((*at)[0] | 0x20) != 'p'))
		return false;
	*is_pm = ((*at)[0] | 0x20) == 'p';
	*at += 2;
	return true;
}

bool
time_fraction_read(const char **at, const char *end, int *microsecond)
{
	static const int units[7] = {0, 100000, 10000, 1000, 100, 10, 1};
	int64 number = 0;
	int digits = 0;

	for (; *at < end && is_digit(**at); (*at)++)
		/* so many are exact in a double */
		if (digits < 15)
		{
			number = number * 10 + (**at - '0');
			digits++;
		}
	if (digits <= 6)
		*microsecond = number * units[digits];
	else
		/* the very arithmetic of PostgreSQL, for halves are not exact in it */
		*microsecond = (int) rint((double) number / pow(10, digits) * 1000000);
	return digits > 0;
}

static bool
element_read(const Element *element, const char **at, const char *end, EtlTimeParts *out, bool *is_pm)
{
	int least = element->is_joined ? 2 : 1;

	switch ((Part) element->part)
	{
		case PART_YEAR:
			return number_read(at, end, 4, 4, &out->year) && out->year > 0;
		case PART_SHORT_YEAR:
			if (!number_read(at, end, 2, 2, &out->year))
				return false;
			out->year += out->year < 70 ? 2000 : 1900;
			return true;
		case PART_MONTH:
			return number_read(at, end, least, 2, &out->month);
		case PART_MONTH_NAME:
			return month_name_read(at, end, &out->month);
		case PART_DAY:
			return number_read(at, end, least, 2, &out->day);
		case PART_HOUR:
			return number_read(at, end, least, 2, &out->hour);
		case PART_HOUR12:
			return number_read(at, end, least, 2, &out->hour) && out->hour >= 1 && out->hour <= 12;
		case PART_MINUTE:
			return number_read(at, end, least, 2, &out->minute);
		case PART_SECOND:
			if (!number_read(at, end, least, 2, &out->second))
				return false;
			if (*at == end || **at != '.' || element->is_joined)
				return true;
			(*at)++;
			return time_fraction_read(at, end, &out->microsecond);
		case PART_MERIDIAN:
			return meridian_read(at, end, is_pm);
		case PART_ZULU:
			out->has_zone = true;
			return *at < end && (*(*at)++ | 0x20) == 'z';
		case PART_BLANK:
			if (*at == end || **at != ' ')
				return false;
			while (*at < end && **at == ' ')
				(*at)++;
			return true;
		case PART_CHARACTER:
			/* the T of ISO 8601 has either case */
			return *at < end &&
				   pg_tolower((unsigned char) *(*at)++) == pg_tolower((unsigned char) element->character);
	}
	return false;
}

bool
time_hour_of_meridian(EtlTimeParts *parts, bool is_pm)
{
	if (parts->hour < 1 || parts->hour > 12)
		return false;
	parts->hour = parts->hour % 12 + (is_pm ? 12 : 0);
	return true;
}

static bool
pattern_read(const EtlTimeFormat *format, const char *at, const char *end, EtlTimeParts *out)
{
	bool is_pm = false;
	bool has_hour12 = false;

	for (int i = 0; i < format->count; i++)
	{
		if (!element_read(&format->elements[i], &at, end, out, &is_pm))
			return false;
		has_hour12 |= format->elements[i].part == PART_HOUR12;
	}
	if (at != end)
		return false;
	if (format->has_meridian || has_hour12)
		return time_hour_of_meridian(out, is_pm);
	return true;
}

/* [sign] digits [. digits], of seconds or thousandths, within the years 1 to 9999. */
static bool
epoch_read(const EtlTimeFormat *format, const char *at, const char *end, EtlTimeParts *out)
{
	int64 per_day = format->mode == MODE_SECONDS ? SECS_PER_DAY : SECS_PER_DAY * INT64CONST(1000);
	int64 per_unit = format->mode == MODE_SECONDS ? USECS_PER_SEC : 1000;
	bool negative = *at == '-';
	int64 number = 0;
	int64 days;
	int64 time;
	int millionths = 0;

	if (negative || *at == '+')
		at++;
	if (at == end || !is_digit(*at))
		return false;
	for (; at < end && is_digit(*at); at++)
		if ((number = number * 10 + (*at - '0')) / per_day > 4000000)
			return false;
	if (at < end && *at == '.')
	{
		at++;
		if (!time_fraction_read(&at, end, &millionths))
			return false;
	}
	if (at != end)
		return false;
	time = number * per_unit + millionths * per_unit / USECS_PER_SEC;
	if (negative)
		time = -time;
	days = time / USECS_PER_DAY - (time % USECS_PER_DAY < 0);
	time -= days * USECS_PER_DAY;
	time_days_split(days - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE), &out->year, &out->month, &out->day);
	out->hour = time / USECS_PER_HOUR;
	out->minute = time / USECS_PER_MINUTE % MINS_PER_HOUR;
	out->second = time / USECS_PER_SEC % SECS_PER_MINUTE;
	out->microsecond = time % USECS_PER_SEC;
	out->has_zone = true;
	return out->year >= 1 && out->year <= 9999;
}

bool
time_format_read(const EtlTimeFormat *format, const char *data, size_t len, EtlTimeParts *parts)
{
	const char *end = data + len;

	*parts = (EtlTimeParts){.month = 1, .day = 1};
	if (len == 0)
		return false;
	if (format->mode == MODE_AUTO)
		return time_auto_read(data, len, parts);
	if (format->mode != MODE_PATTERN)
		return epoch_read(format, data, end, parts);
	return pattern_read(format, data, end, parts) && time_is_date(parts->year, parts->month, parts->day) &&
		   time_is_time(parts);
}
