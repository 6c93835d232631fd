/*
 * compat.h
 *		The only file that looks at PG_VERSION_NUM. Code is written against the newest signature; each shim names
 *		the version that brought it.
 */
#ifndef ETL_BASE_COMPAT_H
#define ETL_BASE_COMPAT_H

#include "postgres.h"

#include "storage/latch.h"
#include "utils/memutils.h"

#if PG_VERSION_NUM < 150000
#error "pg_etl needs PostgreSQL 15 or later"
#endif

/* 16: object_aclcheck replaces one function a kind of object */
#if PG_VERSION_NUM < 160000
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "utils/acl.h"
static inline AclResult
object_aclcheck(Oid classid, Oid objectid, Oid roleid, AclMode mode)
{
	Assert(classid == ForeignServerRelationId || classid == ForeignDataWrapperRelationId);
	return classid == ForeignServerRelationId ? pg_foreign_server_aclcheck(objectid, roleid, mode)
											  : pg_foreign_data_wrapper_aclcheck(objectid, roleid, mode);
}
#endif

/* 17: a WaitEventSet belongs to a resource owner (NULL: to the process), no more to a memory context */
#if PG_VERSION_NUM < 170000
#define CreateWaitEventSet(owner, nevents)                                                                  \
	(AssertMacro((owner) == NULL), CreateWaitEventSet(TopMemoryContext, (nevents)))
#endif

#endif
