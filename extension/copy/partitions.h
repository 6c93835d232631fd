/*
 * partitions.h
 *		UNLOAD's PARTITION BY: each row into the folder that its partition columns name.
 */
#ifndef ETL_COPY_PARTITIONS_H
#define ETL_COPY_PARTITIONS_H

#include "postgres.h"

#include "copy/row_writer.h"
#include "copy/target.h"

typedef struct EtlPartitions EtlPartitions;

/*
 * For each column of the query, whether it names partitions; raises when PARTITION BY names one that isn't there, or that
 * can't, or leaves no column for the files. NULL: there is no PARTITION BY.
 */
extern bool *partition_columns(const EtlUnloadOptions *options, TupleDesc columns);

extern EtlPartitions *partitions_create(EtlUnloadTarget *target, const EtlUnloadOptions *options, TupleDesc columns,
										EtlRowWriter *writer);
/* In a context that is reset a row. */
extern void partitions_write(EtlPartitions *partitions, TupleTableSlot *slot);
extern void partitions_finish(EtlPartitions *partitions);

#endif
