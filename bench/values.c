/*
 * values.c
 *		Nanoseconds a value: value_read and value_write, kind by kind, over texts like those that loads have.
 */
#include "format/value.h"

#include <time.h>

#define TEXTS 4096
#ifndef ROUNDS
#define ROUNDS 500
#endif

typedef struct Case
{
	const char *name;
	EtlValueType type;
	void (*make)(char *text, uint64 random);
} Case;

static uint64
random_next(void)
{
	static uint64 state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void
make_digit(char *text, uint64 random)
{
	sprintf(text, "%d", (int) (random % 7) + 1);
}

static void
make_int4(char *text, uint64 random)
{
	sprintf(text, "%d", (int) (random % 200000));
}

static void
make_int8(char *text, uint64 random)
{
	sprintf(text, "%lld", (long long) (random >> random % 40));
}

static void
make_boolean(char *text, uint64 random)
{
	strcpy(text, random & 1 ? "true" : "f");
}

static void
make_decimal(char *text, uint64 random)
{
	sprintf(text, "%u.%02u", (unsigned) (random % 100000), (unsigned) (random >> 32) % 100);
}

static void
make_rate(char *text, uint64 random)
{
	sprintf(text, "0.%02u", (unsigned) (random % 11));
}

static void
make_double(char *text, uint64 random)
{
	sprintf(text, "%.17g", (double) random / UINT64_MAX);
}

static void
make_date(char *text, uint64 random)
{
	sprintf(text, "%d-%02d-%02d", 1992 + (int) (random % 7), 1 + (int) (random >> 8 & 0xFF) % 12,
			1 + (int) (random >> 16 & 0xFF) % 28);
}

static void
make_timestamp(char *text, uint64 random)
{
	make_date(text, random & 0xFFFFFF);
	sprintf(text + 10, " %02d:%02d:%02d", (int) (random >> 24 & 0xFF) % 24, (int) (random >> 32 & 0xFF) % 60,
			(int) (random >> 40 & 0xFF) % 60);
}

static void
make_microseconds(char *text, uint64 random)
{
	make_timestamp(text, random);
	sprintf(text + 19, ".%06d", (int) (random >> 44) % 1000000);
}

static void
make_offset(char *text, uint64 random)
{
	make_microseconds(text, random);
	strcpy(text + 26, "+02");
}

static void
make_flag(char *text, uint64 random)
{
	strcpy(text, random & 1 ? "R" : "A");
}

static void
make_word(char *text, uint64 random)
{
	static const char *const words[] = {"DELIVER IN PERSON", "TRUCK", "AIR", "COLLECT COD", "NONE", "RAIL"};

	strcpy(text, words[random % lengthof(words)]);
}

static void
make_comment(char *text, uint64 random)
{
	strcpy(text, "egular courts above the ironic, bold pinto beans");
	text[random % 40 + 8] = '\0';
}

static void
make_umlauts(char *text, uint64 random)
{
	strcpy(text, "Fluffige Röschen überqueren die Straße");
	text[random % 8] = 'x';
}

static void
make_hex(char *text, uint64 random)
{
	sprintf(text, "%016llx%016llx", (unsigned long long) random, (unsigned long long) random * 31);
}

static const Case cases[] = {
	{"int4, one digit", {ETL_VALUE_INT4, "integer"}, make_digit},
	{"int4, to 200000", {ETL_VALUE_INT4, "integer"}, make_int4},
	{"int8, 8 to 20 digits", {ETL_VALUE_INT8, "bigint"}, make_int8},
	{"boolean", {ETL_VALUE_BOOL, "boolean"}, make_boolean},
	{"numeric(12,2)", {ETL_VALUE_NUMERIC, "numeric(12,2)", .precision = 12, .scale = 2}, make_decimal},
	{"numeric(12,2), 0.0x", {ETL_VALUE_NUMERIC, "numeric(12,2)", .precision = 12, .scale = 2}, make_rate},
	{"float8, 7 digits", {ETL_VALUE_FLOAT8, "double precision"}, make_decimal},
	{"float8, 17 digits", {ETL_VALUE_FLOAT8, "double precision"}, make_double},
	{"float4, 7 digits", {ETL_VALUE_FLOAT4, "real"}, make_decimal},
	{"date", {ETL_VALUE_DATE, "date"}, make_date},
	{"timestamp", {ETL_VALUE_TIMESTAMP, "timestamp"}, make_timestamp},
	{"timestamp, microseconds", {ETL_VALUE_TIMESTAMP, "timestamp"}, make_microseconds},
	{"timestamptz", {ETL_VALUE_TIMESTAMPTZ, "timestamptz"}, make_offset},
	{"char(1)", {ETL_VALUE_CHAR, "character(1)", .max_bytes = 1}, make_flag},
	{"char(25), 3 to 17 bytes", {ETL_VALUE_CHAR, "character(25)", .max_bytes = 25}, make_word},
	{"varchar(44), 8 to 48 bytes", {ETL_VALUE_VARCHAR, "varchar(44)", .max_bytes = 48}, make_comment},
	{"text, 40 bytes with umlauts", {ETL_VALUE_VARCHAR, "text"}, make_umlauts},
	{"varbyte, 16 bytes", {ETL_VALUE_BYTES, "bytea"}, make_hex},
};

int
main(void)
{
	static char text[TEXTS][80];
	static EtlField fields[TEXTS];
	static EtlValue values[TEXTS];
	EtlValueRules rules = {0};
	EtlValueScratch scratch;
	StringInfoData out;
	char reason[ETL_VALUE_REASON_SIZE];

	initStringInfo(&scratch);
	enlargeStringInfo(&scratch, 1 << 20);
	initStringInfo(&out);
	enlargeStringInfo(&out, 1 << 20);
	printf("%-28s %8s %8s\n", "nanoseconds", "read", "write");
	for (int i = 0; i < lengthof(cases); i++)
	{
		double best_read = 1e9;
		double best_write = 1e9;

		for (int j = 0; j < TEXTS; j++)
		{
			cases[i].make(text[j], random_next());
			fields[j] = (EtlField){text[j], strlen(text[j])};
		}
		for (int round = 0; round < ROUNDS; round++)
		{
			double start = seconds();

			resetStringInfo(&scratch);
			for (int j = 0; j < TEXTS; j++)
				if (value_read(&cases[i].type, &rules, &fields[j], &scratch, &values[j], reason) !=
					ETL_LOAD_OK)
				{
					fprintf(stderr, "%s: %s\n", text[j], reason);
					exit(1);
				}
			best_read = Min(best_read, seconds() - start);
			start = seconds();
			resetStringInfo(&out);
			for (int j = 0; j < TEXTS; j++)
				value_write(&out, cases[i].type.kind, &values[j]);
			best_write = Min(best_write, seconds() - start);
		}
		printf("%-28s %8.1f %8.1f\n", cases[i].name, best_read / TEXTS * 1e9, best_write / TEXTS * 1e9);
	}
	return 0;
}
