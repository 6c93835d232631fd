/*
 * rewrite.h
 *		A statement with some ranges replaced: everything else, the user's formatting and comments among it, stays
 *		byte for byte.
 */
#ifndef ETL_DIALECT_REWRITE_H
#define ETL_DIALECT_REWRITE_H

#include "dialect/lexer.h"

typedef struct EtlRewrite
{
	const char *sql;
	int copied; /* of sql, into out */
	StringInfoData out;
} EtlRewrite;

extern void rewrite_init(EtlRewrite *rewrite, const char *sql);
/* Put `text` in the place of [start, end). Calls go from left to right. */
extern void rewrite_replace(EtlRewrite *rewrite, int start, int end, const char *text);
/* Copy up to `position`; what belongs there may then be appended to rewrite->out and skipped with rewrite_skip. */
extern StringInfo rewrite_copy_to(EtlRewrite *rewrite, int position);
extern void rewrite_skip_to(EtlRewrite *rewrite, int position);
/* Take out the tokens first … last, with the white space before them where that is all there is before them. */
extern void rewrite_remove(EtlRewrite *rewrite, const EtlToken *first, const EtlToken *last);
extern char *rewrite_finish(EtlRewrite *rewrite);

#endif
