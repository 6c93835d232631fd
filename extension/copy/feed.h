/*
 * feed.h
 *		The records of all files of a load, batch by batch, whoever reads them: this process, or one beside it.
 */
#ifndef ETL_COPY_FEED_H
#define ETL_COPY_FEED_H

#include "postgres.h"

#include "copy/batch.h"
#include "copy/plan.h"
#include "copy/source.h"

/* etl.load_worker: whether large loads have their files read by a process beside the backend. */
extern bool load_feed_parallel;

typedef struct EtlLoadFeed EtlLoadFeed;

/* In the current context. The source and the plan must outlive it. */
extern EtlLoadFeed *load_feed_begin(const EtlLoadPlan *plan, EtlLoadSource *source);
/* The next batch, which stays until the next call; NULL: there are no more. */
extern const EtlBatch *load_feed_next(EtlLoadFeed *feed);
extern void load_feed_end(EtlLoadFeed *feed);

/* Files whose bytes have all been asked for, and bytes, as stored. */
extern int load_feed_files(const EtlLoadFeed *feed);
extern uint64 load_feed_bytes(const EtlLoadFeed *feed);

#endif
