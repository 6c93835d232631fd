/*
 * module.c
 *		Settings and registrations of this room.
 */
#include "postgres.h"

#include "store/module.h"

void
store_init(void)
{
}
