/*
 * module.c
 *		Settings and registrations of this room.
 */
#include "postgres.h"

#include "task/module.h"

void
task_init(void)
{
}
