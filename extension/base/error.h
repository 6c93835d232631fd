/*
 * error.h
 *		The error struct that pure modules fill, and its way to ereport.
 *
 * A pure module returns false (or NULL) with the struct filled; the caller in the server adds what it knows
 * (file, line, object) and raises it. Secrets, tokens and signatures never go into one.
 */
#ifndef ETL_BASE_ERROR_H
#define ETL_BASE_ERROR_H

#include "base/platform.h"

#ifdef FRONTEND
/* utils/elog.h is not for frontend code; these two are all that pure modules need of it. */
#ifndef PGSIXBIT
#define PGSIXBIT(ch) (((ch) - '0') & 0x3F)
#define MAKE_SQLSTATE(ch1, ch2, ch3, ch4, ch5)                                                              \
	(PGSIXBIT(ch1) + (PGSIXBIT(ch2) << 6) + (PGSIXBIT(ch3) << 12) + (PGSIXBIT(ch4) << 18) +                 \
	 (PGSIXBIT(ch5) << 24))
#endif
#include "utils/errcodes.h"
#endif

typedef struct EtlError
{
	int sqlstate;		/* a MAKE_SQLSTATE code; 0: no error */
	char message[1024]; /* lower-case, no full stop, object named and quoted */
	char detail[2048];	/* facts; "" for none */
	char hint[1024];	/* the remedy; "" for none */
	int position;		/* 1-based byte offset into the SQL text it is about; 0: none */
} EtlError;

/* Fill sqlstate and message, clear the rest. Returns false, so that a function can `return etl_error_set(…)`. */
extern bool etl_error_set(EtlError *error, int sqlstate, const char *fmt, ...) pg_attribute_printf(3, 4);
/* Both keep what was set; longer text is cut at a character, never inside one. */
extern void etl_error_detail(EtlError *error, const char *fmt, ...) pg_attribute_printf(2, 3);
extern void etl_error_hint(EtlError *error, const char *fmt, ...) pg_attribute_printf(2, 3);

#ifndef FRONTEND
/* ereport(ERROR) with everything the struct holds. */
extern void etl_error_raise(const EtlError *error) pg_attribute_noreturn();
#endif

#endif
