/*
 * values.c
 *		Nanoseconds a value: value_read and value_write, kind by kind, over texts like those that loads have. A line a kind:
 *		its name, the two figures, PostgreSQL's type, its input and its output function, with a tab between them. With a
 *		kind's name as argument: its texts.
 */
#include "format/value.h"

#include <time.h>

#define TEXTS 4096
#define ROUNDS 500

typedef struct Case
{
	const char *name;
	EtlValueType type;
	void (*make)(char *text, uint64 random);
	const char *in; /* PostgreSQL's function for it, of the text as c */
	const char *out;
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
	sprintf(text, "\\x%016llx%016llx", (unsigned long long) random, (unsigned long long) random * 31);
}

static const Case cases[] = {
	{"int4, one digit", {ETL_VALUE_INT4, "int4"}, make_digit, "int4in(c)", "int4out(v)"},
	{"int4, to 200000", {ETL_VALUE_INT4, "int4"}, make_int4, "int4in(c)", "int4out(v)"},
	{"int8, 8 to 20 digits", {ETL_VALUE_INT8, "int8"}, make_int8, "int8in(c)", "int8out(v)"},
	{"boolean", {ETL_VALUE_BOOL, "bool"}, make_boolean, "boolin(c)", "boolout(v)"},
	{"numeric(12,2)",
	 {ETL_VALUE_NUMERIC, "numeric", .precision = 12, .scale = 2},
	 make_decimal,
	 "numeric_in(c, 0, 786438)",
	 "numeric_out(v)"},
	{"numeric(12,2), 0.0x",
	 {ETL_VALUE_NUMERIC, "numeric", .precision = 12, .scale = 2},
	 make_rate,
	 "numeric_in(c, 0, 786438)",
	 "numeric_out(v)"},
	{"float8, 7 digits", {ETL_VALUE_FLOAT8, "float8"}, make_decimal, "float8in(c)", "float8out(v)"},
	{"float8, 17 digits", {ETL_VALUE_FLOAT8, "float8"}, make_double, "float8in(c)", "float8out(v)"},
	{"float4, 7 digits", {ETL_VALUE_FLOAT4, "float4"}, make_decimal, "float4in(c)", "float4out(v)"},
	{"date", {ETL_VALUE_DATE, "date"}, make_date, "date_in(c)", "date_out(v)"},
	{"timestamp",
	 {ETL_VALUE_TIMESTAMP, "timestamp"},
	 make_timestamp,
	 "timestamp_in(c, 0, -1)",
	 "timestamp_out(v)"},
	{"timestamp, microseconds",
	 {ETL_VALUE_TIMESTAMP, "timestamp"},
	 make_microseconds,
	 "timestamp_in(c, 0, -1)",
	 "timestamp_out(v)"},
	{"timestamptz",
	 {ETL_VALUE_TIMESTAMPTZ, "timestamptz"},
	 make_offset,
	 "timestamptz_in(c, 0, -1)",
	 "timestamptz_out(v)"},
	{"char(1)", {ETL_VALUE_CHAR, "bpchar", .max_bytes = 1}, make_flag, "bpcharin(c, 0, 5)", "bpcharout(v)"},
	{"char(25), 3 to 17 bytes",
	 {ETL_VALUE_CHAR, "bpchar", .max_bytes = 25},
	 make_word,
	 "bpcharin(c, 0, 29)",
	 "bpcharout(v)"},
	{"varchar(48), 8 to 48 bytes",
	 {ETL_VALUE_VARCHAR, "varchar", .max_bytes = 48},
	 make_comment,
	 "varcharin(c, 0, 52)",
	 "varcharout(v)"},
	{"text, 40 bytes with umlauts", {ETL_VALUE_VARCHAR, "text"}, make_umlauts, "textin(c)", "textout(v)"},
	{"bytea, 16 bytes", {ETL_VALUE_BYTES, "bytea"}, make_hex, "byteain(c)", "byteaout(v)"},
};

int
main(int argc, char **argv)
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
	for (int i = 0; i < lengthof(cases); i++)
	{
		double best_read = 1e9;
		double best_write = 1e9;

		for (int j = 0; j < TEXTS; j++)
		{
			cases[i].make(text[j], random_next());
			fields[j] = (EtlField){text[j], strlen(text[j])};
		}
		if (argc > 1)
		{
			for (int j = 0; j < TEXTS && strcmp(argv[1], cases[i].name) == 0; j++)
				puts(text[j]);
			continue;
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
		printf("%s\t%.1f\t%.1f\t%s\t%s\t%s\n", cases[i].name, best_read / TEXTS * 1e9,
			   best_write / TEXTS * 1e9, cases[i].type.name, cases[i].in, cases[i].out);
	}
	return 0;
}
