/*
 * load_code.h
 *		Redshift's codes of load errors beside PostgreSQL's SQLSTATEs.
 */
#ifndef ETL_COPY_LOAD_CODE_H
#define ETL_COPY_LOAD_CODE_H

#include "postgres.h"

#include "format/record.h"

/* What a load that a record of this code fails is raised with; of_string: its column has a width. */
extern int load_code_sqlstate(EtlLoadCode code, bool of_string);
/* What to do about it; NULL: nothing that could be said without knowing the data. */
extern const char *load_code_hint(EtlLoadCode code, bool of_string);
/* An error of the server about a row, and whether it can be one: of its data, its constraints, its triggers. */
extern EtlLoadCode load_code_of_sqlstate(int sqlstate);
extern bool load_code_is_of_row(int sqlstate);

#endif
