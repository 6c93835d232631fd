/*
 * module.h
 *		What _PG_init calls of this room.
 */
#ifndef ETL_FLOW_MODULE_H
#define ETL_FLOW_MODULE_H

extern void flow_init(void);

#endif
