/*
 * module.c
 *		Hooks of this room.
 */
#include "postgres.h"

#include "copy/hook.h"
#include "copy/module.h"

void
copy_init(void)
{
	copy_hook_init();
}
