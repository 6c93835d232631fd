/*
 * time_format.h
 *		Dates and times taken apart: the values of DATEFORMAT and TIMEFORMAT, compiled once a load.
 *
 * Pure. A format is a pattern of Redshift's date parts ('MM/DD/YYYY'), or one of three words in lower case: 'auto' takes
 * every form that the guide lists for it; 'epochsecs' and 'epochmillisecs' count from 1970-01-01 00:00:00 UTC.
 */
#ifndef ETL_FORMAT_TIME_FORMAT_H
#define ETL_FORMAT_TIME_FORMAT_H

#include "base/error.h"
#include "base/platform.h"

typedef struct EtlTimeFormat EtlTimeFormat;

/* A date and time as they are written. Those that are whole have valid members. */
typedef struct EtlTimeParts
{
	int year; /* 0: 1 BC, and so on */
	int month;
	int day;
	int hour; /* 24 with nothing behind it is the end of the day */
	int minute;
	int second; /* 60, too: the next minute */
	int microsecond;
	bool has_zone;
	int zone; /* seconds east */
} EtlTimeParts;

#endif
