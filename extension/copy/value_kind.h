/*
 * value_kind.h
 *		Which of PostgreSQL's types are read and written by format/value.h, in COPY and UNLOAD alike.
 */
#ifndef ETL_COPY_VALUE_KIND_H
#define ETL_COPY_VALUE_KIND_H

#include "postgres.h"

#include "format/value.h"

/* Of a type that is no domain. ETL_VALUE_OTHER: its own input and output functions do it. */
extern EtlValueKind value_kind_of_type(Oid type);

#endif
