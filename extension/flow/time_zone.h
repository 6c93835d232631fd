/*
 * time_zone.h
 *		PostgreSQL's time zones, for schedules.
 */
#ifndef ETL_FLOW_TIME_ZONE_H
#define ETL_FLOW_TIME_ZONE_H

#include "flow/zone.h"

/* The zone of a name; raises an error of SQLSTATE 22023 if there is none. It stays valid as long as the process. */
extern EtlZone time_zone_open(const char *name);

#endif
