/*
 * segment.h
 *		Memory that a load shares with a process beside it, if there is room for it.
 */
#ifndef ETL_COPY_SEGMENT_H
#define ETL_COPY_SEGMENT_H

#include "postgres.h"

#include "base/error.h"
#include "storage/dsm.h"

/* Until the end of the current resource owner. NULL: there is no room, and `error` says of what kind and why. */
extern dsm_segment *load_segment_create(Size size, EtlError *error);

#endif
