/*
 * quiesce.h
 *		DROP DATABASE, DROP EXTENSION and the like are never blocked by the engine's own processes.
 */
#ifndef ETL_FLOW_QUIESCE_H
#define ETL_FLOW_QUIESCE_H

/* Install the utility hook. */
extern void quiesce_init(void);

#endif
