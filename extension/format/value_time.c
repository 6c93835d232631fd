/*
 * value_time.c
 *		Text to dates and times. See value_kind.h. Pure.
 *
 * Without a format, what is decided here is what PostgreSQL reads the same way whatever its settings are: dates in ISO
 * form with a year of four digits, times of day on 24 hours, offsets from UTC. Other texts are left to the type's input
 * function. A format of the load decides alone. It is for dates and timestamps; TIME and TIMETZ have none.
 */
#include "format/value_kind.h"
#include "format/time_parts.h"

typedef enum Reading
{
	READING_OK,
	READING_BAD,  /* of the form that is known here, but there is no such date or time */
	READING_OTHER /* of another form */
} Reading;

static inline bool
two_digits(const char *at, int *number)
{
	unsigned tens = (unsigned char) at[0] - '0';
	unsigned ones = (unsigned char) at[1] - '0';

	*number = tens * 10 + ones;
	return tens <= 9 && ones <= 9;
}

/* One or two digits; moves behind them. */
static inline bool
short_number(const char **at, const char *end, int *number)
{
	const char *from = *at;

	if (from == end || !value_is_digit(*from))
		return false;
	*number = *from++ - '0';
	if (from < end && value_is_digit(*from))
		*number = *number * 10 + (*from++ - '0');
	*at = from;
	return true;
}

/* YYYY-MM-DD, or with one digit for month or day; moves behind it. */
static inline Reading
iso_date(const char **from, const char *end, EtlTimeParts *parts)
{
	const char *at = *from;
	int century;
	int year;

	if (end - at < 8 || !two_digits(at, &century) || !two_digits(at + 2, &year) || at[4] != '-')
		return READING_OTHER;
	parts->year = century * 100 + year;
	if (likely(end - at >= 10 && two_digits(at + 5, &parts->month) && at[7] == '-' &&
			   two_digits(at + 8, &parts->day)))
		at += 10;
	else
	{
		at += 5;
		if (!short_number(&at, end, &parts->month) || at == end || *at++ != '-' ||
			!short_number(&at, end, &parts->day))
			return READING_OTHER;
	}
	*from = at;
	return parts->year > 0 && time_is_date(parts->year, parts->month, parts->day) ? READING_OK : READING_BAD;
}

/* The digits after a second's point; moves behind them. */
static inline Reading
iso_fraction(const char **from, const char *end, int *microsecond)
{
	const char *at = *from;

	if (!time_fraction_read(from, end, microsecond))
		return READING_OTHER;
	/* of more, PostgreSQL looks at all */
	return *from - at <= 15 ? READING_OK : READING_OTHER;
}

/* HH:MM[:SS[.ffffff]]; moves behind it. */
static inline Reading
iso_time(const char **from, const char *end, EtlTimeParts *parts)
{
	const char *at = *from;
	Reading reading;

	parts->second = parts->microsecond = 0;
	if (!short_number(&at, end, &parts->hour) || end - at < 3 || at[0] != ':' ||
		!two_digits(at + 1, &parts->minute))
		return READING_OTHER;
	at += 3;
	if (end - at >= 3 && at[0] == ':')
	{
		if (!two_digits(at + 1, &parts->second))
			return READING_OTHER;
		at += 3;
		if (at < end && *at == '.')
		{
			at++;
			reading = iso_fraction(&at, end, &parts->microsecond);
			if (reading != READING_OK)
				return reading;
		}
	}
	/* more digits, or another point: a form that isn't known */
	if (at < end && (value_is_digit(*at) || *at == ':' || *at == '.'))
		return READING_OTHER;
	*from = at;
	return time_is_time(parts) ? READING_OK : READING_BAD;
}

/* Z, or an offset: ±HH, ±HHMM, ±HH:MM, ±HH:MM:SS; to the end of the text. */
static Reading
iso_zone(const char *at, const char *end, EtlTimeParts *parts)
{
	int hour;
	int minute = 0;
	int second = 0;
	int sign;

	while (at < end && *at == ' ')
		at++;
	parts->has_zone = true;
	if (end - at == 1 && (*at == 'Z' || *at == 'z'))
	{
		parts->zone = 0;
		return READING_OK;
	}
	if (end - at < 2 || (*at != '+' && *at != '-'))
		return READING_OTHER;
	sign = *at++ == '-' ? -1 : 1;
	if (!short_number(&at, end, &hour))
		return READING_OTHER;
	if (at < end)
	{
		at += *at == ':';
		if (end - at < 2 || !two_digits(at, &minute))
			return READING_OTHER;
		at += 2;
		if (end - at == 3 && at[0] == ':' && at[-3] == ':')
		{
			if (!two_digits(at + 1, &second))
				return READING_OTHER;
			at += 3;
		}
		if (at != end)
			return READING_OTHER;
	}
	parts->zone = sign * ((hour * MINS_PER_HOUR + minute) * SECS_PER_MINUTE + second);
	return hour <= MAX_TZDISP_HOUR && minute < 60 && second < 60 ? READING_OK : READING_BAD;
}

static Reading
iso_time_and_zone(const char *at, const char *end, EtlTimeParts *parts)
{
	Reading reading = iso_time(&at, end, parts);

	if (reading == READING_OTHER || at == end)
		return reading;
	/* of what is bad, too, the whole form must be known */
	return Max(iso_zone(at, end, parts), reading);
}

/* A date, and a time if there is one. */
static inline Reading
iso_timestamp(const char *data, const char *end, EtlTimeParts *parts)
{
	const char *at = data;
	Reading reading = iso_date(&at, end, parts);

	if (reading == READING_OTHER || at == end)
		return reading;
	if (*at == ' ' || *at == 'T' || *at == 't')
	{
		do
			at++;
		while (at < end && *at == ' ');
		return Max(iso_time_and_zone(at, end, parts), reading);
	}
	return READING_OTHER;
}

static EtlLoadCode
reject_time(const EtlValueType *type, const EtlTimeFormat *format, char *reason)
{
	return value_reject(reason, type->kind == ETL_VALUE_DATE ? ETL_LOAD_DATE : ETL_LOAD_TIMESTAMP,
						format == NULL || time_format_is_auto(format)
							? "not a value of type %s"
							: "not a value of type %s in the load's format",
						type->name);
}

/* What can't be read here: NULL, an error, or for the input function. */
static pg_noinline EtlLoadCode
time_unread(const EtlValueType *type, const EtlValueRules *rules, const EtlTimeFormat *format,
			const char *data, const char *end, Reading reading, EtlValue *value, char *reason)
{
	if (rules->accept_any_date && type->kind != ETL_VALUE_TIME && type->kind != ETL_VALUE_TIMETZ)
	{
		value->is_null = true;
		return ETL_LOAD_OK;
	}
	if (reading == READING_OTHER && format == NULL)
		return value_read_text(type, data, end, value, reason);
	return reject_time(type, format, reason);
}

/* By the load's format. What has any date or none is never left to the input function, which would raise. */
static inline Reading
formatted_timestamp(const EtlValueRules *rules, const EtlTimeFormat *format, const char *data,
					const char *end, EtlTimeParts *parts)
{
	Reading reading = READING_OTHER;

	if (format == NULL || time_format_is_auto(format))
	{
		reading = iso_timestamp(data, end, parts);
		if (likely(reading != READING_OTHER) || (format == NULL && !rules->accept_any_date))
			return reading;
		*parts = (EtlTimeParts){.month = 1, .day = 1};
		return time_auto_read(data, end - data, parts) ? READING_OK : READING_OTHER;
	}
	return time_format_read(format, data, end - data, parts) ? READING_OK : READING_OTHER;
}

/* To the nearest, half away from zero, as PostgreSQL does. */
static int64
round_time(int64 time, int digits)
{
	int64 unit = 1;

	while (digits-- > 0)
		unit *= 10;
	return (time + (time < 0 ? -unit / 2 : unit / 2)) / unit * unit;
}

EtlLoadCode
value_read_time(const EtlValueType *type, const EtlValueRules *rules, const char *data, const char *end,
				EtlValue *value, char *reason)
{
	const EtlTimeFormat *format = type->kind == ETL_VALUE_DATE ? rules->date_format : rules->time_format;
	EtlTimeParts parts = {0};
	Reading reading;
	int64 time;

	if (type->kind == ETL_VALUE_TIME || type->kind == ETL_VALUE_TIMETZ)
	{
		format = NULL;
		reading = iso_time_and_zone(data, end, &parts);
	}
	else
		reading = formatted_timestamp(rules, format, data, end, &parts);
	if (unlikely(reading != READING_OK))
		return time_unread(type, rules, format, data, end, reading, value, reason);
	if (type->kind == ETL_VALUE_DATE)
	{
		value->as.integer = time_days(parts.year, parts.month, parts.day);
		return ETL_LOAD_OK;
	}
	time = time_of_day(&parts);
	if (type->kind == ETL_VALUE_TIMESTAMP || type->kind == ETL_VALUE_TIMESTAMPTZ)
		time += time_days(parts.year, parts.month, parts.day) * USECS_PER_DAY;
	if (type->kind == ETL_VALUE_TIMESTAMPTZ)
	{
		if (!parts.has_zone)
		{
			if (rules->zone_offset == NULL && format == NULL)
				return value_read_text(type, data, end, value, reason);
			if (rules->zone_offset != NULL)
				parts.zone = rules->zone_offset(time, rules->zone_arg);
		}
		time -= parts.zone * USECS_PER_SEC;
	}
	else if (type->kind == ETL_VALUE_TIMETZ)
	{
		/* the session's zone on the day of the load */
		if (!parts.has_zone)
			return value_read_text(type, data, end, value, reason);
		value->zone = -parts.zone;
	}
	value->as.integer = unlikely(type->scale > 0) ? round_time(time, type->scale) : time;
	return ETL_LOAD_OK;
}
