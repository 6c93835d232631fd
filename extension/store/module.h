/*
 * module.h
 *		What _PG_init calls of this room.
 */
#ifndef ETL_STORE_MODULE_H
#define ETL_STORE_MODULE_H

extern void store_init(void);

#endif
