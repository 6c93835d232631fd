/*
 * time_format.h
 *		The values of DATEFORMAT and TIMEFORMAT, compiled once a load, and dates and times read by them.
 *
 * Pure. A format is a pattern of Redshift's date parts ('MM/DD/YYYY'), or one of three words in lower case: 'auto' takes
 * every form that Redshift's guide lists for it; 'epochsecs' and 'epochmillisecs', of TIMEFORMAT alone, count from
 * 1970-01-01 00:00:00 UTC.
 *
 *		YYYY YY         four digits; two: 1970 to 2069
 *		MM MON          one or two digits; a name, whole or its first three letters
 *		DD HH24 HH12    one or two digits; HH is HH24
 *		MI SS           likewise; behind SS there may be a point and digits, whether the pattern has .SSSSSS, .MS or not
 *		AM PM           either of both
 *		T Z             those letters, as in ISO 8601; Z says that the time is UTC
 *		"any text"      that text
 *
 * Letters of a pattern have any case. Parts that follow each other without a separator have all their digits. A space
 * is any number of them, but not none; other characters are themselves.
 */
#ifndef ETL_FORMAT_TIME_FORMAT_H
#define ETL_FORMAT_TIME_FORMAT_H

#include "base/error.h"
#include "base/platform.h"

/* A date and time as they are written; there are such. */
typedef struct EtlTimeParts
{
	int year; /* 0: 1 BC, and so on */
	int month;
	int day;
	int hour; /* 24 with nothing behind it is the end of the day */
	int minute;
	int second;		 /* 60, too: the next minute */
	int microsecond; /* 1000000, too, of more digits that are rounded up */
	bool has_zone;
	int zone; /* seconds east */
} EtlTimeParts;

typedef struct EtlTimeFormat EtlTimeFormat;

/* In the current context, one chunk; NULL with the error filled: not a format. `is_date`: of DATEFORMAT. */
extern EtlTimeFormat *time_format_create(const char *format, bool is_date, EtlError *error);
/* False: the text isn't of that format, or there is no such date or time. No blanks at its ends. */
extern bool time_format_read(const EtlTimeFormat *format, const char *data, size_t len, EtlTimeParts *parts);
/* Whether it is 'auto', which has ISO forms, too. */
extern bool time_format_is_auto(const EtlTimeFormat *format);

#endif
