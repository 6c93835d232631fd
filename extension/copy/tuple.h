/*
 * tuple.h
 *		A record's values as a heap tuple, made right where it is to be.
 */
#ifndef ETL_COPY_TUPLE_H
#define ETL_COPY_TUPLE_H

#include "postgres.h"

#include "copy/plan.h"
#include "lib/stringinfo.h"

/*
 * Append the tuple of these values, one a column of the load; those that are text are NULL in it. Fields of its header
 * that belong to a transaction are zero. out's end must be aligned, and stays so. Returns the tuple's length.
 */
extern uint32 load_tuple_append(StringInfo out, const EtlLoadPlan *plan, const EtlValue *values);

#endif
