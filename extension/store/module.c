/*
 * module.c
 *		Settings of this room.
 */
#include "postgres.h"

#include <limits.h>

#include "store/codec.h"
#include "store/module.h"
#include "utils/guc.h"

void
store_init(void)
{
	DefineCustomIntVariable("etl.decompress_max_size", "Most that a compressed object may expand to.",
							"-1: no limit.", &codec_max_size_mb, -1, -1, INT_MAX, PGC_USERSET, GUC_UNIT_MB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("etl.decompress_max_ratio",
							"How many times its size a compressed object may expand to.",
							"Counted from 100 MB on; 0: no limit.", &codec_max_ratio, 1000, 0, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
}
