/*
 * shown_text.h
 *		Bytes of a file as text of the database, to be shown: in errors, and where these are kept.
 */
#ifndef ETL_COPY_SHOWN_TEXT_H
#define ETL_COPY_SHOWN_TEXT_H

#include "postgres.h"

/* Looks up what the next needs, so that it asks no catalog while an error is handled. */
extern void shown_text_prepare(void);
/*
 * Of UTF-8, or what should be: cut at a character so that at most `max` bytes of it are taken, `?` for what is no
 * character, is one that the database's encoding lacks, or is a NUL byte. Never raises for what the bytes are.
 */
extern char *shown_text(const char *bytes, size_t len, size_t max);

#endif
