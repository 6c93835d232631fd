/*
 * launcher.h
 *		The one static process of the engine: starts a scheduler in every database that has the extension.
 */
#ifndef ETL_FLOW_LAUNCHER_H
#define ETL_FLOW_LAUNCHER_H

/* Register it with the postmaster; while shared_preload_libraries is processed. */
extern void launcher_register(void);

#endif
