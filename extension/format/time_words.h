/*
 * time_words.h
 *		The words that dates and times are written with. Private to format/time_*.c. Pure.
 */
#ifndef ETL_FORMAT_TIME_WORDS_H
#define ETL_FORMAT_TIME_WORDS_H

#include "base/platform.h"

/* 1 to 12 of an English name or its first three letters (and "sept"), in any letter case; 0: it is none. */
extern int time_word_month(const char *word, size_t len);
/* Whether it is a day of the week, whole or abbreviated. */
extern bool time_word_is_weekday(const char *word, size_t len);
/* The offset in seconds east of an abbreviation that has one and the same everywhere PostgreSQL knows it. */
extern bool time_word_zone(const char *word, size_t len, int *zone);

#endif
