/*
 * options.h
 *		What an external table's OPTIONS say.
 *
 *		CREATE FOREIGN TABLE spectrum.sales (id int, saledate date) SERVER etl_external OPTIONS (
 *			location 's3://lake/sales/', format 'text', field_delimiter '|', partition_columns '["saledate"]')
 *
 * The translator writes them from CREATE EXTERNAL TABLE; a definition is accepted in every format Redshift knows, and
 * a scan refuses those it can't read yet.
 */
#ifndef ETL_EXTERNAL_OPTIONS_H
#define ETL_EXTERNAL_OPTIONS_H

#include "postgres.h"

#include "format/delimited.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "store/codec.h"

typedef struct EtlExternalTable
{
	Oid relid;
	char *name; /* qualified, for messages */
	char *location;
	char *format;
	List *partition_attnums;	 /* in the order of PARTITIONED BY */
	EtlDelimitedOptions dialect; /* of formats text and opencsv */
	EtlCodec codec;				 /* of files whose names don't say; ETL_CODEC_AUTO: what is in them does */
	double row_estimate;		 /* property numRows; 0: none */
} EtlExternalTable;

/* Read them for a scan or for planning; allocated in the current context. */
extern EtlExternalTable *external_table_get(Oid relid);
/* The attribute numbers of the partition columns alone; 42809 when relid isn't an external table. */
extern List *external_partition_attnums(Oid relid);
/* Raises when the table's files can't be read yet. */
extern void external_table_check_readable(EtlExternalTable *table);

#endif
