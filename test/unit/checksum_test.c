/*
 * checksum_test.c
 *		Published check values, and that a stream may come in any pieces.
 */
#include "aws/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The checksum of data, given in pieces of `piece` bytes. */
static const char *
take(EtlChecksumKind kind, const char *data, size_t size, size_t piece)
{
	static char out[ETL_CHECKSUM_BASE64_SIZE];
	EtlChecksum checksum;

	assert_true(checksum_begin(&checksum, kind));
	for (size_t done = 0; done < size; done += piece)
		checksum_update(&checksum, data + done, Min(piece, size - done));
	assert_true(checksum_base64(&checksum, out));
	checksum_end(&checksum);
	checksum_end(&checksum);
	return out;
}

/* The catalogue of CRCs gives each its value of "123456789"; FIPS 180 has the hashes of "abc" and of nothing. */
static void
test_published(void **state)
{
	assert_string_equal(take(ETL_CHECKSUM_CRC32, "123456789", 9, 9), "y/Q5Jg==");  /* CBF43926 */
	assert_string_equal(take(ETL_CHECKSUM_CRC32C, "123456789", 9, 9), "4waSgw=="); /* E3069283 */
	assert_string_equal(take(ETL_CHECKSUM_CRC64NVME, "123456789", 9, 9),
						"rosUhgp5mIg="); /* AE8B14860A799888 */
	assert_string_equal(take(ETL_CHECKSUM_SHA1, "abc", 3, 3), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
	assert_string_equal(take(ETL_CHECKSUM_SHA256, "abc", 3, 3),
						"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

static void
test_nothing(void **state)
{
	assert_string_equal(take(ETL_CHECKSUM_CRC32, "", 0, 1), "AAAAAA==");
	assert_string_equal(take(ETL_CHECKSUM_CRC32C, "", 0, 1), "AAAAAA==");
	assert_string_equal(take(ETL_CHECKSUM_CRC64NVME, "", 0, 1), "AAAAAAAAAAA=");
	assert_string_equal(take(ETL_CHECKSUM_SHA1, "", 0, 1), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
	assert_string_equal(take(ETL_CHECKSUM_SHA256, "", 0, 1), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

/* What the NVM Command Set Specification lists of its CRC: 4 kB of zeros, of ones, and counted up and down. */
static void
test_crc64nvme_blocks(void **state)
{
	char block[4096];

	memset(block, 0, sizeof(block));
	assert_string_equal(take(ETL_CHECKSUM_CRC64NVME, block, sizeof(block), 4096),
						"ZILTZ+sitk4="); /* 6482D367EB22B64E */
	memset(block, 0xFF, sizeof(block));
	assert_string_equal(take(ETL_CHECKSUM_CRC64NVME, block, sizeof(block), 4096),
						"wN26cwLso6w="); /* C0DDBA7302ECA3AC */
}

static void
test_pieces(void **state)
{
	char data[1000];
	char whole[ETL_CHECKSUM_BASE64_SIZE];

	for (int i = 0; i < lengthof(data); i++)
		data[i] = (char) (i * 7 + i / 13);
	for (int kind = 0; kind < ETL_CHECKSUM_KINDS; kind++)
	{
		strlcpy(whole, take(kind, data, sizeof(data), sizeof(data)), sizeof(whole));
		for (int piece = 1; piece < 70; piece++)
			assert_string_equal(take(kind, data, sizeof(data), piece), whole);
	}
}

static void
test_names(void **state)
{
	const char *names[] = {"crc32", "crc32c", "crc64nvme", "sha1", "sha256"};

	for (int kind = 0; kind < ETL_CHECKSUM_KINDS; kind++)
		assert_string_equal(checksum_name(kind), names[kind]);
}

static void
test_base64(void **state)
{
	static const char *const good[] = {"y/Q5Jg==", "4waSgw==", "AAAAAAAAAAA=", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
									   "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="};
	static const char *const none[] = {"",		   "=",			"y/Q5Jg",	"y/Q5Jg=",	"y/Q5Jg===", "y/Q5Jg== ", " y/Q5Jg==",
									   "y/Q5Jg==-3", "y/Q5J===", "y_Q5Jg==", "y/Q5Jgg=", "\xC3\xA9Q5Jg==", "1234567"};

	for (int kind = 0; kind < ETL_CHECKSUM_KINDS; kind++)
	{
		for (int i = 0; i < lengthof(good); i++)
			assert_int_equal(checksum_is_base64(kind, good[i]), strlen(good[i]) == strlen(good[kind]));
		for (int i = 0; i < lengthof(none); i++)
			assert_false(checksum_is_base64(kind, none[i]));
		assert_true(checksum_is_base64(kind, take(kind, "abc", 3, 3)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_crc64nvme_blocks),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
