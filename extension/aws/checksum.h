/*
 * checksum.h
 *		The checksums that S3 keeps of an object, taken of a stream as it passes. Pure.
 *
 *		EtlChecksum checksum;
 *		checksum_begin(&checksum, ETL_CHECKSUM_CRC32C);
 *		checksum_update(&checksum, data, size);  -- as often as there is data
 *		checksum_base64(&checksum, text);        -- as it stands in a header
 *		checksum_end(&checksum);
 *
 * Between begin and end a SHA holds memory of OpenSSL's, so in the server the struct belongs to an EtlHandle
 * (base/handle.h) whose free function is checksum_end.
 */
#ifndef ETL_AWS_CHECKSUM_H
#define ETL_AWS_CHECKSUM_H

#include "base/platform.h"

typedef enum EtlChecksumKind
{
	ETL_CHECKSUM_CRC32,
	ETL_CHECKSUM_CRC32C,
	ETL_CHECKSUM_CRC64NVME,
	ETL_CHECKSUM_SHA1,
	ETL_CHECKSUM_SHA256
} EtlChecksumKind;

#define ETL_CHECKSUM_KINDS 5
#define ETL_CHECKSUM_BASE64_SIZE 45 /* a SHA-256 in base64, and its NUL */

typedef struct EtlChecksum
{
	EtlChecksumKind kind;
	bool failed; /* OpenSSL did */
	uint64 crc;
	void *hash; /* OpenSSL's, of a SHA */
} EtlChecksum;

/* "crc32c": as in the header x-amz-checksum-crc32c; upper-case in x-amz-checksum-algorithm. */
extern const char *checksum_name(EtlChecksumKind kind);
/* False when OpenSSL fails, and then there is nothing to end. */
extern bool checksum_begin(EtlChecksum *checksum, EtlChecksumKind kind);
extern void checksum_update(EtlChecksum *checksum, const void *data, size_t size);
/* Of all that was given; no more can be given afterwards. False when OpenSSL has failed, here or before. */
extern bool checksum_base64(EtlChecksum *checksum, char out[ETL_CHECKSUM_BASE64_SIZE]);
/* Is this one of that kind, as it stands in a header: base64 of so many bytes, and nothing else? */
extern bool checksum_is_base64(EtlChecksumKind kind, const char *text);
/* Takes an EtlChecksum. It may be begun again. */
extern void checksum_end(void *checksum);

#endif
