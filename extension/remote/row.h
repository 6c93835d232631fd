/*
 * row.h
 *		A remote row as a JSON object. Private to remote/.
 */
#ifndef ETL_REMOTE_ROW_H
#define ETL_REMOTE_ROW_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq-fe.h"

/*
 * Append the first row of the result as a JSON object: numbers and booleans as such, json as it is, everything else
 * as its text.
 */
extern void warehouse_row_json(const PGresult *row, StringInfo json);

#endif
