/*
 * progress.h
 *		How far a load is: in pg_stat_progress_copy, with PostgreSQL's own columns, and in etl.load_progress.
 *
 * A load has one for as long as it goes on. What a trigger loads in the midst of it is shown while it goes on, and the
 * outer load again at its next update. An error ends it by itself.
 */
#ifndef ETL_COPY_PROGRESS_H
#define ETL_COPY_PROGRESS_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct EtlLoadProgress
{
	Oid table;
	int64 load_id;
	TimestampTz started_at;
	int64 bytes_total; /* as stored; 0: not known */
	int64 files_total;
} EtlLoadProgress;

/* With the fields filled. */
extern void load_progress_begin(const EtlLoadProgress *progress);
/* What is done so far: cheap, yet nothing for each row. */
extern void load_progress_update(const EtlLoadProgress *progress, int64 bytes, int64 rows, int64 rejected,
								 int64 files);
extern void load_progress_end(void);

#endif
