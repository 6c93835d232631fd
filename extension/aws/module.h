/*
 * module.h
 *		What _PG_init calls of this room, and its settings.
 */
#ifndef ETL_AWS_MODULE_H
#define ETL_AWS_MODULE_H

extern char *aws_default_server; /* setting etl.aws_server */
extern int aws_s3_read_memory;	 /* etl.s3_read_memory, in kB */

extern void aws_init(void);

#endif
