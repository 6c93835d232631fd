/*
 * value_driver.c
 *		format/value.h as a program: reads texts, prints what value_read makes of them and what value_write makes of that.
 *		t/027_values.pl compares both with PostgreSQL.
 *
 * A line of input is "kind precision scale round format", a tab, the text. A line of output is that line, a tab, the
 * value as PostgreSQL's send function gives it, in hexadecimal digits (of a numeric, its size on disk), a tab, the text
 * that is written. Of what is rejected, it is "error" and the code; of what is left to the input function, "text" and
 * nothing. The offset of local time, in seconds east, is the argument. A format of "-" is none.
 */
#include "format/time_format.h"
#include "format/value.h"

static int
fixed_offset(int64 local, void *arg)
{
	return *(int *) arg;
}

static void
print_hex(uint64 number, int bytes)
{
	for (int shift = bytes * 8 - 8; shift >= 0; shift -= 8)
		printf("%02x", (unsigned) (number >> shift & 0xFF));
}

static void
print_sent(EtlValueKind kind, const EtlValue *value)
{
	static const uint8 sizes[] = {[ETL_VALUE_INT2] = 2, [ETL_VALUE_INT4] = 4, [ETL_VALUE_DATE] = 4};
	float single = (float) value->as.number;
	uint32 bits;

	switch (kind)
	{
		case ETL_VALUE_BOOL:
			print_hex(value->as.boolean, 1);
			break;
		case ETL_VALUE_FLOAT4:
			memcpy(&bits, &single, sizeof(bits));
			print_hex(bits, 4);
			break;
		case ETL_VALUE_NUMERIC:
			printf("%u", value->len);
			break;
		case ETL_VALUE_VARCHAR:
		case ETL_VALUE_CHAR:
		case ETL_VALUE_BYTES:
			for (uint32 i = 0; i < value->len; i++)
				print_hex((unsigned char) value->data[i], 1);
			break;
		default: /* a double's bits are those of the integer in its place */
			print_hex(value->as.integer, kind < lengthof(sizes) && sizes[kind] > 0 ? sizes[kind] : 8);
			if (kind == ETL_VALUE_TIMETZ)
				print_hex((uint32) value->zone, 4);
	}
}

int
main(int argc, char **argv)
{
	int offset = argc > 1 ? atoi(argv[1]) : 0;
	EtlValueRules rules = {.zone_offset = fixed_offset, .zone_arg = &offset};
	EtlTimeFormat *format = NULL;
	char format_name[64] = "-";
	EtlValueScratch scratch;
	StringInfoData out;
	static char line[1 << 16];

	initStringInfo(&scratch);
	initStringInfo(&out);
	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		int kind;
		EtlValueType type = {.name = "of the test"};
		int round;
		char name[64];
		char *text = strchr(line, '\t');
		EtlField field;
		EtlValue value;
		EtlError error;
		EtlLoadCode code;
		char reason[ETL_VALUE_REASON_SIZE];

		if (text == NULL ||
			sscanf(line, "%d %d %d %d %63s", &kind, &type.precision, &type.scale, &round, name) != 5)
			return 1;
		text++;
		text[strcspn(text, "\n")] = '\0';
		type.kind = kind;
		rules.round_decimals = round;
		if (strcmp(name, format_name) != 0)
		{
			format = strcmp(name, "-") == 0 ? NULL : time_format_create(name, kind == ETL_VALUE_DATE, &error);
			strcpy(format_name, name);
		}
		rules.date_format = rules.time_format = format;
		field = (EtlField){text, strlen(text)};
		resetStringInfo(&scratch);
		resetStringInfo(&out);
		code = value_read(&type, &rules, &field, &scratch, &value, reason);
		printf("%s\t", line);
		if (code != ETL_LOAD_OK)
			printf("error\t%d\n", code);
		else if (value.is_null || value.is_text)
			printf("%s\t\n", value.is_null ? "null" : "text");
		else
		{
			if (kind == ETL_VALUE_TIMESTAMPTZ)
				value.zone = -offset;
			print_sent(kind, &value);
			value_write(&out, kind, &value);
			printf("\t%s\n", out.data);
		}
	}
	return 0;
}
