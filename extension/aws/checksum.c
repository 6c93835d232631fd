/*
 * checksum.c
 *		CRCs and hashes of streams. See checksum.h.
 *
 * CRC-32C is PostgreSQL's, in hardware where there is some; CRC-32 zlib's; the SHAs OpenSSL's. CRC-64/NVME nobody
 * brings along: eight tables take eight bytes at a time, twice as fast as one table takes one.
 */
#include "aws/checksum.h"

#include <openssl/evp.h>
#include <zlib.h>

#include "port/pg_bswap.h"
#include "port/pg_crc32c.h"

#define CRC64NVME_POLYNOMIAL UINT64CONST(0x9A6C9329AC4BC9B5) /* bits reversed, as it is used */
#define CRC64NVME_SLICES 8

static uint64 crc64nvme_tables[CRC64NVME_SLICES][256]; /* all 0 until they are needed */

const char *
checksum_name(EtlChecksumKind kind)
{
	switch (kind)
	{
		case ETL_CHECKSUM_CRC32:
			return "crc32";
		case ETL_CHECKSUM_CRC32C:
			return "crc32c";
		case ETL_CHECKSUM_CRC64NVME:
			return "crc64nvme";
		case ETL_CHECKSUM_SHA1:
			return "sha1";
		case ETL_CHECKSUM_SHA256:
			return "sha256";
	}
	return NULL;
}

static void
crc64nvme_tables_make(void)
{
	if (crc64nvme_tables[0][1] != 0)
		return;
	for (int byte = 0; byte < 256; byte++)
	{
		uint64 crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) ? CRC64NVME_POLYNOMIAL : 0);
		crc64nvme_tables[0][byte] = crc;
	}
	for (int byte = 0; byte < 256; byte++)
		for (int slice = 1; slice < CRC64NVME_SLICES; slice++)
		{
			uint64 crc = crc64nvme_tables[slice - 1][byte];

			crc64nvme_tables[slice][byte] = (crc >> 8) ^ crc64nvme_tables[0][crc & 0xFF];
		}
}

static uint64
crc64nvme_update(uint64 crc, const unsigned char *data, size_t size)
{
	for (; size >= 8; data += 8, size -= 8)
	{
		uint64 next;

		memcpy(&next, data, 8);
#ifdef WORDS_BIGENDIAN
		next = pg_bswap64(next);
#endif
		next ^= crc;
		crc = crc64nvme_tables[7][next & 0xFF] ^ crc64nvme_tables[6][(next >> 8) & 0xFF] ^
			  crc64nvme_tables[5][(next >> 16) & 0xFF] ^ crc64nvme_tables[4][(next >> 24) & 0xFF] ^
			  crc64nvme_tables[3][(next >> 32) & 0xFF] ^ crc64nvme_tables[2][(next >> 40) & 0xFF] ^
			  crc64nvme_tables[1][(next >> 48) & 0xFF] ^ crc64nvme_tables[0][next >> 56];
	}
	for (; size > 0; data++, size--)
		crc = (crc >> 8) ^ crc64nvme_tables[0][(crc ^ *data) & 0xFF];
	return crc;
}

static bool
hash_begin(EtlChecksum *checksum, const EVP_MD *algorithm)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	if (hash == NULL || !EVP_DigestInit_ex(hash, algorithm, NULL))
	{
		EVP_MD_CTX_free(hash);
		return false;
	}
	checksum->hash = hash;
	return true;
}

bool
checksum_begin(EtlChecksum *checksum, EtlChecksumKind kind)
{
	*checksum = (EtlChecksum){.kind = kind};
	switch (kind)
	{
		case ETL_CHECKSUM_CRC32:
			break;
		case ETL_CHECKSUM_CRC32C:
		{
			pg_crc32c crc;

			INIT_CRC32C(crc);
			checksum->crc = crc;
			break;
		}
		case ETL_CHECKSUM_CRC64NVME:
			crc64nvme_tables_make();
			checksum->crc = PG_UINT64_MAX;
			break;
		case ETL_CHECKSUM_SHA1:
			return hash_begin(checksum, EVP_sha1());
		case ETL_CHECKSUM_SHA256:
			return hash_begin(checksum, EVP_sha256());
	}
	return true;
}

void
checksum_update(EtlChecksum *checksum, const void *data, size_t size)
{
	pg_crc32c crc = (pg_crc32c) checksum->crc;

	switch (checksum->kind)
	{
		case ETL_CHECKSUM_CRC32:
			checksum->crc = crc32_z(checksum->crc, data, size);
			break;
		case ETL_CHECKSUM_CRC32C:
			COMP_CRC32C(crc, data, size);
			checksum->crc = crc;
			break;
		case ETL_CHECKSUM_CRC64NVME:
			checksum->crc = crc64nvme_update(checksum->crc, data, size);
			break;
		case ETL_CHECKSUM_SHA1:
		case ETL_CHECKSUM_SHA256:
			if (!EVP_DigestUpdate(checksum->hash, data, size))
				checksum->failed = true;
			break;
	}
}

bool
checksum_base64(EtlChecksum *checksum, char out[ETL_CHECKSUM_BASE64_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = sizeof(uint32);
	uint32 crc32 = (uint32) checksum->crc;
	uint64 crc64 = ~checksum->crc;

	switch (checksum->kind)
	{
		case ETL_CHECKSUM_CRC32C:
			FIN_CRC32C(crc32);
			/* FALLTHROUGH */
		case ETL_CHECKSUM_CRC32:
			crc32 = pg_hton32(crc32);
			memcpy(digest, &crc32, sizeof(crc32));
			break;
		case ETL_CHECKSUM_CRC64NVME:
			crc64 = pg_hton64(crc64);
			memcpy(digest, &crc64, size = sizeof(crc64));
			break;
		case ETL_CHECKSUM_SHA1:
		case ETL_CHECKSUM_SHA256:
			if (checksum->failed || !EVP_DigestFinal_ex(checksum->hash, digest, &size))
				return false;
			break;
	}
	EVP_EncodeBlock((unsigned char *) out, digest, (int) size);
	return true;
}

bool
checksum_is_base64(EtlChecksumKind kind, const char *text)
{
	static const int sizes[ETL_CHECKSUM_KINDS] = {4, 4, 8, 20, 32};
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t digits = (sizes[kind] * 8 + 5) / 6;

	return strspn(text, alphabet) == digits && strcmp(text + digits, sizes[kind] % 3 == 1 ? "==" : "=") == 0;
}

void
checksum_end(void *checksum)
{
	EtlChecksum *self = checksum;

	EVP_MD_CTX_free(self->hash);
	self->hash = NULL;
}
