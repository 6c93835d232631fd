/*
 * read_many.h
 *		Reading many objects one after the other, the next ones being fetched meanwhile.
 *
 *		while (there are more objects to name, or …)
 *		{
 *			while (there are, and read_many_takes(many, &object))
 *				read_many_add(many, &object);
 *			reader = read_many_next(many);            -- of the first that was added and not read yet
 *			…
 *			reader->close(reader);
 *		}
 *		read_many_end(many);
 *
 * Small objects are asked for many at a time, as far as they fit into setting etl.s3_read_memory together; a large one,
 * which is fetched in parts, is waited for with nothing behind it.
 */
#ifndef ETL_STORE_READ_MANY_H
#define ETL_STORE_READ_MANY_H

#include "postgres.h"

#include "store/store.h"

typedef struct EtlReadMany EtlReadMany;

/* Of one bucket. All lives in the current context. */
extern EtlReadMany *store_read_many(EtlStore *store, const char *bucket);
/* Whether the object can be added before another one is read; true when there is none to read. */
extern bool read_many_takes(const EtlReadMany *many, const EtlObject *object);
/* Needed of it: key, size and, unless NULL, the etag it must have. */
extern void read_many_add(EtlReadMany *many, const EtlObject *object);
/* The next object's reader, for the caller to close before he asks for another; NULL: there is none. */
extern EtlReader *read_many_next(EtlReadMany *many);
/* Also when not all were read; what has been asked for is dropped. */
extern void read_many_end(EtlReadMany *many);

#endif
