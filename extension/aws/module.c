/*
 * module.c
 *		Settings of this room.
 */
#include "postgres.h"

#include "aws/module.h"
#include "utils/guc.h"

char *aws_default_server = NULL;
int aws_s3_read_memory = 64 * 1024;

void
aws_init(void)
{
	DefineCustomStringVariable("etl.aws_server", "Foreign server that AWS calls go to unless they name one.",
							   "A server of foreign-data wrapper etl_aws.", &aws_default_server, "aws",
							   PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("etl.s3_read_memory", "Memory for the parts of an S3 object that are fetched ahead.",
							"For each object that is being read.", &aws_s3_read_memory, 64 * 1024, 256,
							1024 * 1024, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
}
