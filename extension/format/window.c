/*
 * window.c
 *		The bytes that a record reader looks at. See window.h. Pure.
 */
#include "format/window.h"

void
window_init(EtlWindow *window)
{
	memset(window, 0, sizeof(*window));
	window->fed = "";
	initStringInfo(&window->carry);
}

void
window_free(EtlWindow *window)
{
	pfree(window->carry.data);
}

void
window_feed(EtlWindow *window, const char *buf, size_t len, bool eof)
{
	window->fed = len > 0 ? buf : "";
	window->fed_len = len;
	window->fed_used = 0;
	window->eof = eof;
	window->in_carry = window->carry.len > 0;
	window->carry_base = window->carry.len;
	window->carry_used = 0;
}

/* Whether the window reaches to fed's end. */
static inline bool
has_all(const EtlWindow *window)
{
	return !window->in_carry || window->carry.len - window->carry_base == window->fed_len;
}

/* Skip a byte order mark at start; false: too few bytes to tell. */
static bool
skip_byte_order_mark(EtlWindow *window, const char **start, const char *limit, bool final)
{
	size_t len = Min(limit - *start, 3);

	if (memcmp(*start, "\xEF\xBB\xBF", len) == 0)
	{
		if (len < 3 && !final)
			return false;
		if (len == 3)
		{
			*start += 3;
			if (window->in_carry)
				window->carry_used += 3;
			else
				window->fed_used += 3;
		}
	}
	window->past_mark = true;
	return true;
}

bool
window_look(EtlWindow *window, const char **start, const char **limit, bool *final)
{
	if (window->in_carry && window->carry_used >= window->carry_base)
	{
		window->in_carry = false;
		window->fed_used = window->carry_used - window->carry_base;
		resetStringInfo(&window->carry);
	}
	*start = window->in_carry ? window->carry.data + window->carry_used : window->fed + window->fed_used;
	*limit = window->in_carry ? window->carry.data + window->carry.len : window->fed + window->fed_len;
	*final = window->eof && has_all(window);
	if (!*final && *limit - *start < Max(window->retry_at, 1))
		return false;
	return window->past_mark || skip_byte_order_mark(window, start, *limit, *final);
}

void
window_advance(EtlWindow *window, const char *next)
{
	window->retry_at = 0;
	if (window->in_carry)
		window->carry_used = next - window->carry.data;
	else
		window->fed_used = next - window->fed;
}

/* Bring more of fed into carry: what makes the record worth another look, and on to a line end. */
static void
extend_carry(EtlWindow *window)
{
	size_t taken = window->carry.len - window->carry_base;
	size_t have = window->carry.len - window->carry_used;
	const char *from = window->fed + taken;
	size_t left = window->fed_len - taken;
	size_t take = Min(left, window->retry_at > have ? window->retry_at - have : 1);
	const char *newline = memchr(from + take - 1, '\n', left - take + 1);

	take = newline != NULL ? newline - from + 1 : left;
	take = Min(take, ETL_RECORD_MAX_SIZE);
	appendBinaryStringInfo(&window->carry, from, take);
}

bool
window_extend(EtlWindow *window, const char *start, const char *limit)
{
	size_t len = limit - start;

	/* A carriage return that belongs to the line end may be among them. */
	if (len >= window->retry_at)
		window->retry_at = Min(2 * len, ETL_RECORD_MAX_SIZE + 2);
	if (!has_all(window))
	{
		extend_carry(window);
		return true;
	}
	if (window->in_carry)
	{
		if (start > window->carry.data) /* else it is where it belongs, and may be megabytes */
			memmove(window->carry.data, start, len);
		window->carry.len = len;
	}
	else
	{
		resetStringInfo(&window->carry);
		appendBinaryStringInfo(&window->carry, start, len);
	}
	return false;
}
