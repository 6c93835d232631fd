/*
 * extension.h
 *		What the catalogs say of the extension itself in this database, remembered: it is asked at every step.
 */
#ifndef ETL_BASE_EXTENSION_H
#define ETL_BASE_EXTENSION_H

#include "postgres.h"

/* The owner of extension pg_etl, or InvalidOid when the extension isn't created in this database. */
extern Oid etl_extension_owner(void);
/* Whether there is a schema of this name and it is the extension's, not one that somebody else made. */
extern bool etl_extension_has_schema(const char *name);

#endif
