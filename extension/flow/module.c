/*
 * module.c
 *		Settings and registrations of this room.
 */
#include "postgres.h"

#include "flow/module.h"

void
flow_init(void)
{
}
