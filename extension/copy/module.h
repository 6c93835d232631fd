/*
 * module.h
 *		What _PG_init calls of this room.
 */
#ifndef ETL_COPY_MODULE_H
#define ETL_COPY_MODULE_H

extern void copy_init(void);

#endif
