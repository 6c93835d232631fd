/*
 * hook.h
 *		PostgreSQL's own COPY, where its file is an object: COPY t FROM 's3://…' and COPY t TO 's3://…'.
 *
 * Files of the server, programs and the client's data stay PostgreSQL's business. An object where the extension isn't created
 * is an error that says so.
 */
#ifndef ETL_COPY_HOOK_H
#define ETL_COPY_HOOK_H

extern void copy_hook_init(void);

#endif
