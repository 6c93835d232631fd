/*
 * local.h
 *		Redshift statements on this server, through SPI. Private to task/.
 */
#ifndef ETL_TASK_LOCAL_H
#define ETL_TASK_LOCAL_H

#include "postgres.h"

#include "tcop/dest.h"

typedef struct EtlLocalSession
{
	bool atomic;		/* COMMIT and ROLLBACK are refused */
	DestReceiver *rows; /* what a query returns; NULL: dropped */
} EtlLocalSession;

extern void local_session_open(EtlLocalSession *session, bool atomic, DestReceiver *rows);
extern void local_session_close(EtlLocalSession *session);

/* Translate and run one statement; `last`: no other follows. Returns the rows it affected or returned. */
extern int64 local_statement_run(const char *sql, bool last, void *session);

#endif
