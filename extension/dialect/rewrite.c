/*
 * rewrite.c
 *		See rewrite.h.
 */
#include "dialect/rewrite.h"

void
rewrite_init(EtlRewrite *rewrite, const char *sql)
{
	rewrite->sql = sql;
	rewrite->copied = 0;
	initStringInfo(&rewrite->out);
}

StringInfo
rewrite_copy_to(EtlRewrite *rewrite, int position)
{
	Assert(position >= rewrite->copied);
	appendBinaryStringInfo(&rewrite->out, rewrite->sql + rewrite->copied, position - rewrite->copied);
	rewrite->copied = position;
	return &rewrite->out;
}

void
rewrite_skip_to(EtlRewrite *rewrite, int position)
{
	Assert(position >= rewrite->copied);
	rewrite->copied = position;
}

void
rewrite_replace(EtlRewrite *rewrite, int start, int end, const char *text)
{
	appendStringInfoString(rewrite_copy_to(rewrite, start), text);
	rewrite_skip_to(rewrite, end);
}

void
rewrite_remove(EtlRewrite *rewrite, const EtlToken *first, const EtlToken *last)
{
	int gap = first[-1].end; /* no clause is the first token of a statement */
	bool blank = true;

	if (gap < rewrite->copied)
		gap = rewrite->copied;
	for (int i = gap; i < first->start; i++)
		blank &= strchr(" \t\n\r\f\v", rewrite->sql[i]) != NULL;
	rewrite_copy_to(rewrite, blank ? gap : first->start);
	rewrite_skip_to(rewrite, last->end);
	/* `t distkey(a)as select` must not become `tas select` */
	if (rewrite->out.len > 0 && lexer_is_identifier_byte(rewrite->out.data[rewrite->out.len - 1]) &&
		lexer_is_identifier_byte(rewrite->sql[last->end]))
		appendStringInfoChar(&rewrite->out, ' ');
}

char *
rewrite_finish(EtlRewrite *rewrite)
{
	appendStringInfoString(&rewrite->out, rewrite->sql + rewrite->copied);
	return rewrite->out.data;
}
