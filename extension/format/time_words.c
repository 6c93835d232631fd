/*
 * time_words.c
 *		The words that dates and times are written with. See time_words.h.
 */
#include "format/time_words.h"

#define QUARTER 900 /* seconds */

static bool
is_word(const char *word, size_t len, const char *full)
{
	return strlen(full) == len && pg_strncasecmp(word, full, len) == 0;
}

int
time_word_month(const char *word, size_t len)
{
	static const char *const months[] = {"january",	  "february", "march",	  "april",
										 "may",		  "june",	  "july",	  "august",
										 "september", "october",  "november", "december"};

	for (int i = 0; i < lengthof(months); i++)
		if (is_word(word, len, months[i]) || (len == 3 && pg_strncasecmp(word, months[i], 3) == 0))
			return i + 1;
	return is_word(word, len, "sept") ? 9 : 0;
}

bool
time_word_is_weekday(const char *word, size_t len)
{
	static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday", "thursday", "friday",
									   "saturday", "tues",	 "wednes",	"weds",		 "thur",	 "thurs"};

	for (int i = 0; i < lengthof(days); i++)
		if (is_word(word, len, days[i]) || (len == 3 && pg_strncasecmp(word, days[i], 3) == 0))
			return true;
	return false;
}

bool
time_word_zone(const char *word, size_t len, int *zone)
{
	/* the defaults of PostgreSQL's timezone_abbreviations, without those that have meant several offsets */
	static const struct
	{
		const char *name;
		int8 quarters;
	} zones[] = {
		{"utc", 0},	   {"gmt", 0},	  {"z", 0},		{"ut", 0},	   {"uct", 0},	   {"zulu", 0},	 {"est", -20},
		{"edt", -16},  {"cst", -24},  {"cdt", -20}, {"mst", -28},  {"mdt", -24},   {"pst", -32}, {"pdt", -28},
		{"akst", -36}, {"akdt", -32}, {"hst", -40}, {"ast", -16},  {"adt", -12},   {"nst", -14}, {"ndt", -10},
		{"brt", -12},  {"brst", -8},  {"bot", -16}, {"cot", -20},  {"pet", -20},   {"uyt", -12}, {"wet", 0},
		{"wetdst", 4}, {"bst", 4},	  {"cet", 4},	{"cest", 8},   {"cetdst", 8},  {"met", 4},	 {"mest", 8},
		{"mez", 4},	   {"mesz", 8},	  {"eet", 8},	{"eest", 12},  {"eetdst", 12}, {"msd", 16},	 {"sast", 8},
		{"wat", 4},	   {"eat", 12},	  {"ist", 8},	{"idt", 12},   {"irt", 14},	   {"pkt", 20},	 {"npt", 23},
		{"bdt", 24},   {"mmt", 26},	  {"ict", 28},	{"hkt", 32},   {"cct", 32},	   {"pht", 32},	 {"myt", 32},
		{"awst", 32},  {"jst", 36},	  {"kst", 36},	{"acst", 38},  {"acdt", 42},   {"aest", 40}, {"aedt", 44},
		{"nzst", 48},  {"nzdt", 52},  {"fjt", 48},	{"chast", 51}, {"chadt", 55},
	};

	for (int i = 0; i < lengthof(zones); i++)
		if (is_word(word, len, zones[i].name))
		{
			*zone = zones[i].quarters * QUARTER;
			return true;
		}
	return false;
}
