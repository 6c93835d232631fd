/*
 * s3_part_test.c
 *		Parts of objects that are those asked for, and others.
 */
#include "aws/s3_part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const EtlS3Asked whole = {.whole = true};
static const EtlS3Asked middle = {.position = 5, .end = 10, .known = true, .object_size = 1000};
static const EtlS3Asked first = {.end = 10};
static const EtlS3Asked rest = {.position = 5, .known = true, .object_size = 1000};

static void
test_parts(void **state)
{
	static const struct
	{
		const EtlS3Asked *asked;
		int status;
		const char *length;
		const char *range;
		uint64 end;
		uint64 total;
	} good[] = {
		{&whole, 200, "1000", NULL, 1000, 1000},
		{&whole, 200, "0", NULL, 0, 0},
		{&whole, 200, "1000", "bytes 7-9/1000", 1000, 1000}, /* nobody asked for a range */
		{&middle, 206, "5", "bytes 5-9/1000", 10, 1000},
		{&first, 206, "10", "bytes 0-9/1000", 10, 1000},
		{&first, 206, "7", "bytes 0-6/7", 7, 7}, /* the object is shorter */
		{&rest, 206, "995", "bytes 5-999/1000", 1000, 1000},
	};

	for (int i = 0; i < lengthof(good); i++)
	{
		uint64 end;
		uint64 total;
		EtlError error;

		assert_true(s3_part_parse(good[i].asked, good[i].status, good[i].length, good[i].range, &end, &total,
								  &error));
		assert_true(end == good[i].end && total == good[i].total);
	}
}

static void
test_others(void **state)
{
	static const struct
	{
		const EtlS3Asked *asked;
		int status;
		const char *length;
		const char *range;
		const char *detail;
	} bad[] = {
		{&whole, 200, NULL, NULL, "The answer has no Content-Length."},
		{&whole, 200, "", NULL, "The answer has no Content-Length."},
		{&whole, 200, "1e3", NULL, "The answer has no Content-Length."},
		{&middle, 206, NULL, "bytes 5-9/1000", "The answer has no Content-Length."},
		{&middle, 200, "5", "bytes 5-9/1000", "A part of the object was asked for, and another one came."},
		{&middle, 206, "5", NULL, "A part of the object was asked for, and another one came."},
		{&middle, 206, "5", "bytes 6-10/1000", "A part of the object was asked for, and another one came."},
		{&middle, 206, "4", "bytes 5-9/1000", "A part of the object was asked for, and another one came."},
		{&middle, 206, "5", "bytes 5-9/9", "A part of the object was asked for, and another one came."},
		{&middle, 206, "18446744073709551611", "bytes 5-0/1000",
		 "A part of the object was asked for, and another one came."},
		{&middle, 206, "5", "bytes 5-9/*", "A part of the object was asked for, and another one came."},
		{&middle, 206, "5", "bytes 5-9/1001", "The object's size has changed, and its ETag hasn't."},
		{&middle, 206, "6", "bytes 5-10/1000", "More bytes came than were asked for."},
		{&middle, 206, "4", "bytes 5-8/1000", "The rest of the object was asked for, and less came."},
		{&rest, 206, "994", "bytes 5-998/1000", "The rest of the object was asked for, and less came."},
	};

	for (int i = 0; i < lengthof(bad); i++)
	{
		uint64 end = 7;
		uint64 total = 7;
		EtlError error;

		assert_false(
			s3_part_parse(bad[i].asked, bad[i].status, bad[i].length, bad[i].range, &end, &total, &error));
		assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
		assert_string_equal(error.detail, bad[i].detail);
		assert_true(end == 7 && total == 7);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts), cmocka_unit_test(test_others)};

	return cmocka_run_group_tests_name("s3_part", tests, NULL, NULL);
}
