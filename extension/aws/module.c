/*
 * module.c
 *		Settings and registrations of this room.
 */
#include "postgres.h"

#include "aws/module.h"

void
aws_init(void)
{
}
