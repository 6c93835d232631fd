/*
 * platform.h
 *		First include of every file that builds both inside the server and outside it (unit tests, fuzzers).
 *
 * Such a file is "pure": it uses what libpgcommon offers to frontend programs too (palloc, StringInfo), never
 * the catalogs, never ereport. It reports failure by return value and an EtlError.
 */
#ifndef ETL_BASE_PLATFORM_H
#define ETL_BASE_PLATFORM_H

#ifdef FRONTEND
#include "postgres_fe.h"
#include "common/fe_memutils.h"
#else
#include "postgres.h"
#endif

#include "lib/stringinfo.h"

#endif
