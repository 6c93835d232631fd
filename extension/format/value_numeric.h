/*
 * value_numeric.h
 *		The bytes of a numeric, as PostgreSQL's numeric.c keeps them on disk, without the varlena's header. Private to
 *		format/value*.c.
 *
 *		short:   1 0 s ddd ddd w www www   digits    s: negative; d: digits after the point that are shown; w: weight
 *		long:    0 s dddddddddddddd  weight  digits  (weight: 16 bits)
 *		special: 1 1 k k 0…                          k: NaN, Infinity, -Infinity
 *
 * A digit is one of base 10,000 in 16 bits; the first one counts 10,000 ^ weight, and neither it nor the last is zero.
 * Zero has no digits. All in the machine's byte order. The short form is taken where it can be.
 */
#ifndef ETL_FORMAT_VALUE_NUMERIC_H
#define ETL_FORMAT_VALUE_NUMERIC_H

#define NUMERIC_BASE 10000
#define NUMERIC_BASE_DIGITS 4

#define NUMERIC_KIND_MASK 0xC000
#define NUMERIC_KIND_NEGATIVE 0x4000 /* long */
#define NUMERIC_KIND_SHORT 0x8000
#define NUMERIC_KIND_SPECIAL 0xC000

#define NUMERIC_IS_NAN 0xC000
#define NUMERIC_IS_INFINITY 0xD000
#define NUMERIC_IS_MINUS_INFINITY 0xF000

#define NUMERIC_SHORT_NEGATIVE 0x2000
#define NUMERIC_SHORT_SCALE_SHIFT 7
#define NUMERIC_SHORT_SCALE_MAX 0x3F
#define NUMERIC_SHORT_WEIGHT_SIGN 0x0040
#define NUMERIC_SHORT_WEIGHT_MASK 0x003F
#define NUMERIC_SHORT_WEIGHT_MAX 63
#define NUMERIC_SHORT_WEIGHT_MIN (-64)

#define NUMERIC_LONG_SCALE_MASK 0x3FFF

#endif
