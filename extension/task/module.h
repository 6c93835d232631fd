/*
 * module.h
 *		What _PG_init calls of this room.
 */
#ifndef ETL_TASK_MODULE_H
#define ETL_TASK_MODULE_H

extern void task_init(void);

#endif
