/*
 * partitions.h
 *		The registered partitions of an external table: rows of etl.external_partition.
 */
#ifndef ETL_EXTERNAL_PARTITIONS_H
#define ETL_EXTERNAL_PARTITIONS_H

#include "postgres.h"

#include "external/options.h"

typedef struct EtlPartition
{
	char *location;
	Datum *values; /* in the order of the table's partition columns */
	bool *nulls;
} EtlPartition;

/* All of them, in a fixed order. Allocated in the current context. */
extern EtlPartition *external_partitions_get(const EtlExternalTable *table, int *count);
extern int64 external_partitions_count(Oid relid);

#endif
