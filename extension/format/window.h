/*
 * window.h
 *		The bytes that a record reader looks at: the fed buffer itself, or what is left of earlier ones with its beginning.
 *
 * Pure. Records are read where they are, so most are never copied. One that a buffer's end cuts goes to `carry`; the
 * next buffer's bytes are appended to it until it is whole, and the records after it are again read where they are.
 *
 *		fed:    ...row|row|ro        w|row|row...
 *		carry:              ro   →   row
 *
 * A reader's next is a loop:
 *
 *		while (true)
 *			if (window_look(…, &start, &limit, &final))
 *				a record from start, whole before limit (or ended by it, if final): window_advance(…), return it
 *			if (!window_extend(…, start, limit))
 *				return ETL_RECORD_NEED_MORE;
 *
 * An incomplete record is tried again from its start, but only once it has at least doubled, so the work stays linear
 * however small the buffers are (records then come later than they could; nobody can tell).
 */
#ifndef ETL_FORMAT_WINDOW_H
#define ETL_FORMAT_WINDOW_H

#include "format/record.h"

typedef struct EtlWindow
{
	const char *fed; /* the caller's buffer */
	size_t fed_len;
	size_t fed_used;
	bool eof;

	StringInfoData carry; /* a record begun in an earlier buffer, then bytes of fed */
	bool in_carry;
	size_t carry_base; /* carry.data[carry_base] is fed[0] */
	size_t carry_used;
	size_t retry_at; /* the record was incomplete: bytes it must have to be worth another look */
	bool past_mark;	 /* there was, or will be, no byte order mark */
} EtlWindow;

extern void window_init(EtlWindow *window);
extern void window_free(EtlWindow *window);
extern void window_feed(EtlWindow *window, const char *buf, size_t len, bool eof);

/*
 * Where the next record starts, behind a byte order mark, and how far can be seen; final: that is the stream's end.
 * false: it isn't worth a look yet.
 */
extern bool window_look(EtlWindow *window, const char **start, const char **limit, bool *final);
/* The record (or what is skipped) goes to `next`, between start and limit of the last look. */
extern void window_advance(EtlWindow *window, const char *next);
/* A look wasn't enough: more bytes. false: the next buffer is needed. */
extern bool window_extend(EtlWindow *window, const char *start, const char *limit);

#endif
