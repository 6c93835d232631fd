/*
 * pg_etl.c
 *		The library's entry: the only file that knows every module.
 *
 * Each module that has settings, hooks, shared memory or registrations of its own offers one `…_init`; they are
 * called in the order of the rooms, lowest first.
 */
#include "postgres.h"

#include "aws/module.h"
#include "base/clock.h"
#include "copy/module.h"
#include "flow/module.h"
#include "fmgr.h"
#include "net/module.h"
#include "store/module.h"
#include "task/module.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	clock_init();
	net_init();
	aws_init();
	store_init();
	copy_init();
	flow_init();
	task_init();
	MarkGUCPrefixReserved("etl");
}
