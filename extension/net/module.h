/*
 * module.h
 *		What _PG_init calls of this room.
 */
#ifndef ETL_NET_MODULE_H
#define ETL_NET_MODULE_H

extern void net_init(void);

#endif
