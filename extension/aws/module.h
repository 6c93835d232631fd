/*
 * module.h
 *		What _PG_init calls of this room.
 */
#ifndef ETL_AWS_MODULE_H
#define ETL_AWS_MODULE_H

extern void aws_init(void);

#endif
