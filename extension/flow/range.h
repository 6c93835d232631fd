/*
 * range.h
 *		The ranges of runs that history is kept in, and statements about one run.
 *
 * etl.run, etl.task_run and etl.event are partitioned alike by run_id. What the engine does about a run it does in the
 * partitions of that run's range, by their names, and not through the tables themselves. So a step that takes hours holds
 * no lock that keeps other ranges from being made or dropped meanwhile, and no statement looks at more than one partition,
 * however many there are.
 */
#ifndef ETL_FLOW_RANGE_H
#define ETL_FLOW_RANGE_H

#include "postgres.h"

#include "base/spi.h"

/*
 * etl_spi_execute for a statement about one run, planned once a process and range. Its text names the partitions as
 * etl.run_{range}, etl.task_run_{range}, etl.event_{range}. Of a run that is gone it finds nothing. Inside an
 * ETL_SPI_OWNER scope.
 */
extern uint64 range_execute(EtlSpiPlan *plan, int64 run_id, int expected, Datum *values, const char *nulls);

/* The first run of the range that a run is in; 0: it is in the rest. */
extern int64 range_first(int64 run_id);
/* The name of that range's partition of a table, in schema etl. */
extern char *range_partition_name(const char *table, int64 run_id);

#endif
