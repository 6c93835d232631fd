/*
 * schema.h
 *		External schemas: what CREATE EXTERNAL SCHEMA says of where its tables' files are.
 */
#ifndef ETL_EXTERNAL_SCHEMA_H
#define ETL_EXTERNAL_SCHEMA_H

#include "postgres.h"

#include "store/access.h"

/* The store that the tables of the schema are read from: its role and region, or the server's. */
extern EtlStore *external_schema_store(Oid schema);

#endif
