/*
 * upload_record_test.c
 *		What is written about an upload is read again, wherever it was cut off.
 */
#include "store/upload_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const EtlUploadRecord record = {
	.database = 5,
	.role = 10,
	.server = 4294967295u,
	.server_name = "my aws",
	.region = "eu-west-1",
	.iam_role = "arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/b",
	.bucket = "lake",
	.key = " a b/\xC3\xA9 key 1",
	.began = INT64CONST(1764425345)};

static void
test_written_and_read(void **state)
{
	StringInfoData text;
	EtlUploadRecord read;

	initStringInfo(&text);
	upload_record_write(&record, &text);
	assert_true(upload_record_parse(text.data, text.len, &read));
	assert_int_equal(read.database, 5);
	assert_int_equal(read.role, 10);
	assert_int_equal(read.server, 4294967295u);
	assert_string_equal(read.server_name, "my aws");
	assert_string_equal(read.region, "eu-west-1");
	assert_string_equal(read.iam_role, record.iam_role);
	assert_string_equal(read.bucket, "lake");
	assert_string_equal(read.key, record.key);
	assert_int_equal(read.began, record.began);
	assert_false(read.keys_given);
	assert_null(read.upload_id);
	assert_false(read.strays);

	upload_record_write_id("2~abc", 1764425346, true, &text);
	upload_record_write_failure(2, 1764425400, "one\ntwo", &text);
	upload_record_write_failure(3, 1764425500, "three", &text);
	assert_true(upload_record_parse(text.data, text.len, &read));
	assert_string_equal(read.upload_id, "2~abc");
	assert_true(read.strays);
	assert_int_equal(read.created, 1764425346);
	assert_int_equal(read.failures, 3);
	assert_int_equal(read.tried, 1764425500);
	assert_string_equal(read.error, "three");
	pfree(text.data);
}

/* A crash may cut it anywhere: no id is better than half of one. */
static void
test_cut_short(void **state)
{
	StringInfoData text;
	EtlUploadRecord read;
	int ready;

	initStringInfo(&text);
	upload_record_write(&record, &text);
	ready = text.len;
	upload_record_write_id("2~abc", 1764425346, false, &text);
	for (int size = 0; size < text.len; size++)
	{
		char *exact = palloc(size + 1);
		bool parsed;

		memcpy(exact, text.data, size);
		parsed = upload_record_parse(exact, size, &read);
		assert_int_equal(parsed, size >= ready);
		assert_null(read.upload_id);
		pfree(exact);
	}
	assert_true(upload_record_parse(text.data, text.len, &read));
	assert_string_equal(read.upload_id, "2~abc");
	pfree(text.data);
}

static EtlRecordedObject made[] = {{"0123abcd", "a b/c"}, {"0123abce", " "}, {"0123abcf", "d"}};
static const EtlUploadRecord objects = {.database = 5,
										.role = 10,
										.server_name = "aws",
										.bucket = "lake",
										.transaction = UINT64CONST(18446744073709551615),
										.is_local = true,
										.objects = made,
										.nobjects = 2};

static void
test_objects(void **state)
{
	StringInfoData text;
	EtlUploadRecord read;

	initStringInfo(&text);
	upload_record_write(&objects, &text);
	assert_true(upload_record_parse(text.data, text.len, &read));
	assert_int_equal(read.transaction, UINT64CONST(18446744073709551615));
	assert_true(read.is_local);
	assert_int_equal(read.nobjects, 2);
	assert_null(read.key);
	assert_int_equal(read.looked, 0);

	upload_record_write_object(&made[2], &text);
	upload_record_write_looked(1764425346, &text);
	upload_record_write_failure(1, 1764425400, "one", &text);
	assert_true(upload_record_parse(text.data, text.len, &read));
	assert_int_equal(read.nobjects, 3);
	for (int i = 0; i < 3; i++)
	{
		assert_string_equal(read.objects[i].identity, made[i].identity);
		assert_string_equal(read.objects[i].key, made[i].key);
	}
	assert_int_equal(read.looked, 1764425346);
	assert_int_equal(read.failures, 1);
	pfree(text.data);
}

static void
test_no_record(void **state)
{
	EtlUploadRecord read;

	assert_false(upload_record_parse("", 0, &read));
	assert_false(upload_record_parse("\n\n", 2, &read));
	assert_false(upload_record_parse("ready \n", 7, &read));
	assert_false(upload_record_parse("pg_etl upload 1\nready \n", 23, &read));
	assert_false(upload_record_parse("pg_etl upload 1\nbucket b\ntransaction 5\nserver_name s\nready \n", 60, &read));
	assert_false(upload_record_parse("pg_etl objects 1\nbucket b\nserver_name s\nready \n", 47, &read));
	assert_false(upload_record_parse("pg_etl upload 2\nbucket b\nkey k\nserver_name s\nready \n", 53, &read));
}

static void
test_pauses(void **state)
{
	assert_int_equal(upload_record_pause(0), 0);
	assert_int_equal(upload_record_pause(1), 60);
	assert_int_equal(upload_record_pause(2), 120);
	assert_int_equal(upload_record_pause(7), 3600);
	assert_int_equal(upload_record_pause(1000000), 3600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_and_read),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_no_record),
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
