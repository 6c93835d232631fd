/*
 * module.c
 *		Settings of this room.
 */
#include "postgres.h"

#include "aws/module.h"
#include "utils/guc.h"

char *aws_default_server = NULL;

void
aws_init(void)
{
	DefineCustomStringVariable("etl.aws_server", "Foreign server that AWS calls go to unless they name one.",
							   "A server of foreign-data wrapper etl_aws.", &aws_default_server, "aws",
							   PGC_USERSET, 0, NULL, NULL, NULL);
}
