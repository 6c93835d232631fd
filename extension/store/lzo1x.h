/*
 * lzo1x.h
 *		Decompression of one LZO1X block, as lzop files hold them. Pure.
 *
 * Our own, since the library for it is under the GPL, which a server module can't be linked with and passed on.
 */
#ifndef ETL_STORE_LZO1X_H
#define ETL_STORE_LZO1X_H

#include "base/platform.h"

/* True if `in` is a whole block and expands to `out_size` bytes exactly. What is in `out` otherwise is meaningless. */
extern bool lzo1x_decompress(const uint8 *in, size_t in_size, uint8 *out, size_t out_size);

#endif
