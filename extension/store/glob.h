/*
 * glob.h
 *		Patterns of keys, as shells have them. Pure.
 *
 *		*        any characters but '/'            ?        one character but '/'
 *		**       any characters                    [a-c]    one of these; [!a-c] or [^a-c] one of the others, never '/'
 *		** and / no folders, or any                {a,b}    either; may be nested
 *		\x       the character x itself
 *
 * "**" followed by a slash is that at the beginning of a pattern or after a slash: a/ ** /b (without the blanks) matches
 * a/b, a/x/b and a/x/y/b. A pattern is matched in time proportional to the key's length, whatever it looks like.
 */
#ifndef ETL_STORE_GLOB_H
#define ETL_STORE_GLOB_H

#include "base/error.h"

typedef struct EtlGlob EtlGlob;

/* palloc'd; NULL: 22023 with what is wrong with the pattern. */
extern EtlGlob *glob_compile(const char *pattern, EtlError *error);
extern void glob_free(EtlGlob *glob);
/* What every key that matches begins with. */
extern const char *glob_prefix(const EtlGlob *glob);
extern bool glob_matches(EtlGlob *glob, const char *key);

#endif
