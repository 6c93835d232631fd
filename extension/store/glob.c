/*
 * glob.c
 *		Patterns of keys. See glob.h.
 *
 * A pattern becomes a small program. Matching runs all ways through it at once, a character of the key after the other, as
 * the set of instructions that the match may be at: nothing is tried again, so no pattern takes long.
 */
#include "store/glob.h"

#define MOST_INSTRUCTIONS 10000
#define MOST_NESTED 16

typedef enum Kind
{
	GLOB_CHAR,	/* this character */
	GLOB_OTHER, /* any but '/' */
	GLOB_ANY,
	GLOB_SET,	/* one of a set; the set's ranges follow the first */
	GLOB_SPLIT, /* go on at either */
	GLOB_JUMP,
	GLOB_END
} Kind;

typedef struct Instruction
{
	Kind kind;
	uint32 from; /* GLOB_CHAR: the character; GLOB_SET: its first range's number */
	uint32 to;	 /* GLOB_SET: how many ranges */
	bool negated;
	int first;	/* GLOB_SPLIT, GLOB_JUMP */
	int second; /* GLOB_SPLIT */
} Instruction;

typedef struct Range
{
	uint32 from;
	uint32 to;
} Range;

struct EtlGlob
{
	char *prefix;
	Instruction *program;
	int count;
	int room;
	Range *ranges;
	int range_count;
	int range_room;
	/* of a match: the instructions it is at, those it is at next, and those to be looked at */
	int *now;
	int *next;
	int *stack;
	uint32 *mark; /* by instruction: the step in which it was added last */
	uint32 step;
};

typedef struct Parser
{
	EtlGlob *glob;
	const char *pattern;
	const char *at;
	EtlError *error;
	int nested;
} Parser;

/* A character; a byte that is not part of one is itself. */
static uint32
next_char(const char **at)
{
	const unsigned char *c = (const unsigned char *) *at;
	int length = *c < 0x80 ? 1 : *c >= 0xF0 ? 4 : *c >= 0xE0 ? 3 : *c >= 0xC0 ? 2 : 1;
	uint32 code = length == 1 ? *c : *c & (0x7F >> length);

	for (int i = 1; i < length; i++)
	{
		if ((c[i] & 0xC0) != 0x80)
		{
			(*at)++;
			return *c;
		}
		code = (code << 6) | (c[i] & 0x3F);
	}
	*at += length;
	return code;
}

static bool
fail(Parser *parser, const char *detail)
{
	etl_error_set(parser->error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid pattern \"%s\"", parser->pattern);
	etl_error_detail(parser->error, "%s", detail);
	etl_error_hint(parser->error, "A backslash before a character takes away its meaning.");
	return false;
}

/* ---- the program ---- */

static int
emit(EtlGlob *glob, Instruction instruction)
{
	if (glob->count == glob->room)
	{
		glob->room *= 2;
		glob->program = repalloc(glob->program, glob->room * sizeof(Instruction));
	}
	glob->program[glob->count] = instruction;
	return glob->count++;
}

static void
add_range(EtlGlob *glob, uint32 from, uint32 to)
{
	if (glob->range_count == glob->range_room)
	{
		glob->range_room *= 2;
		glob->ranges = repalloc(glob->ranges, glob->range_room * sizeof(Range));
	}
	glob->ranges[glob->range_count++] = (Range){from, to};
}

/* Any number of them. */
static void
emit_loop(EtlGlob *glob, Kind kind)
{
	int split = emit(glob, (Instruction){.kind = GLOB_SPLIT});

	emit(glob, (Instruction){.kind = kind});
	emit(glob, (Instruction){.kind = GLOB_JUMP, .first = split});
	glob->program[split].first = split + 1;
	glob->program[split].second = glob->count;
}

static void
emit_star(Parser *parser)
{
	EtlGlob *glob = parser->glob;
	bool begins_name = parser->at == parser->pattern || parser->at[-1] == '/';
	int split;

	if (parser->at[1] != '*')
	{
		parser->at++;
		emit_loop(glob, GLOB_OTHER);
		return;
	}
	while (*parser->at == '*')
		parser->at++;
	if (!begins_name || *parser->at != '/')
	{
		emit_loop(glob, GLOB_ANY);
		return;
	}
	parser->at++;
	split = emit(glob, (Instruction){.kind = GLOB_SPLIT});
	emit_loop(glob, GLOB_ANY);
	emit(glob, (Instruction){.kind = GLOB_CHAR, .from = '/'});
	glob->program[split].first = split + 1;
	glob->program[split].second = glob->count;
}

/* ---- the parser ---- */

static bool
parse_char(Parser *parser, uint32 *code)
{
	if (*parser->at == '\\')
	{
		parser->at++;
		if (*parser->at == '\0')
			return fail(parser, "It ends with a backslash.");
	}
	*code = next_char(&parser->at);
	return true;
}

static bool
parse_set(Parser *parser)
{
	EtlGlob *glob = parser->glob;
	Instruction set = {.kind = GLOB_SET, .from = glob->range_count};
	bool first = true;

	parser->at++;
	set.negated = *parser->at == '!' || *parser->at == '^';
	if (set.negated)
		parser->at++;
	/* A bracket that comes first is one of the set. */
	for (; first || *parser->at != ']'; first = false)
	{
		uint32 from;
		uint32 to;

		if (*parser->at == '\0')
			return fail(parser, "A \"[\" has no \"]\".");
		if (!parse_char(parser, &from))
			return false;
		to = from;
		if (parser->at[0] == '-' && parser->at[1] != ']' && parser->at[1] != '\0')
		{
			parser->at++;
			if (!parse_char(parser, &to))
				return false;
			if (to < from)
				return fail(parser, "A range ends before it begins.");
		}
		add_range(glob, from, to);
	}
	parser->at++;
	set.to = glob->range_count - set.from;
	emit(glob, set);
	return true;
}

static bool parse_sequence(Parser *parser);

/* {a,b,c}: a split before each but the last, and a jump after each to what follows them all. */
static bool
parse_alternatives(Parser *parser)
{
	EtlGlob *glob = parser->glob;
	int last_jump = -1;

	if (++parser->nested > MOST_NESTED)
		return fail(parser, "Its braces are nested too deeply.");
	do
	{
		int split = emit(glob, (Instruction){.kind = GLOB_SPLIT});

		parser->at++;
		if (!parse_sequence(parser))
			return false;
		if (*parser->at == '\0')
			return fail(parser, "A \"{\" has no \"}\".");
		/* jumps are chained through `first` until their target is known */
		last_jump = emit(glob, (Instruction){.kind = GLOB_JUMP, .first = last_jump});
		glob->program[split].first = split + 1;
		glob->program[split].second = *parser->at == ',' ? glob->count : split + 1;
	} while (*parser->at == ',');
	parser->at++;
	parser->nested--;
	while (last_jump >= 0)
	{
		int before = glob->program[last_jump].first;

		glob->program[last_jump].first = glob->count;
		last_jump = before;
	}
	return true;
}

/* Up to the pattern's end, or that of the alternative it is in. */
static bool
parse_sequence(Parser *parser)
{
	EtlGlob *glob = parser->glob;

	while (*parser->at != '\0' && !(parser->nested > 0 && strchr(",}", *parser->at) != NULL))
	{
		uint32 code;

		if (glob->count > MOST_INSTRUCTIONS)
			return fail(parser, "It is too long.");
		switch (*parser->at)
		{
			case '*':
				emit_star(parser);
				break;
			case '?':
				parser->at++;
				emit(glob, (Instruction){.kind = GLOB_OTHER});
				break;
			case '[':
				if (!parse_set(parser))
					return false;
				break;
			case '{':
				if (!parse_alternatives(parser))
					return false;
				break;
			default:
				if (!parse_char(parser, &code))
					return false;
				emit(glob, (Instruction){.kind = GLOB_CHAR, .from = code});
		}
	}
	return true;
}

static char *
literal_prefix(const char *pattern)
{
	char *prefix = palloc(strlen(pattern) + 1);
	char *to = prefix;

	while (*pattern != '\0' && strchr("*?[{", *pattern) == NULL)
	{
		if (*pattern == '\\' && pattern[1] != '\0')
			pattern++;
		*to++ = *pattern++;
	}
	*to = '\0';
	return prefix;
}

EtlGlob *
glob_compile(const char *pattern, EtlError *error)
{
	EtlGlob *glob = palloc0(sizeof(EtlGlob));
	Parser parser = {.glob = glob, .pattern = pattern, .at = pattern, .error = error};

	glob->prefix = literal_prefix(pattern);
	glob->room = 64;
	glob->program = palloc(glob->room * sizeof(Instruction));
	glob->range_room = 16;
	glob->ranges = palloc(glob->range_room * sizeof(Range));
	if (!parse_sequence(&parser))
	{
		glob_free(glob);
		return NULL;
	}
	emit(glob, (Instruction){.kind = GLOB_END});
	glob->now = palloc(glob->count * sizeof(int));
	glob->next = palloc(glob->count * sizeof(int));
	glob->stack = palloc((2 * glob->count + 1) * sizeof(int)); /* each instruction pushes two at most, once a step */
	glob->mark = palloc0(glob->count * sizeof(uint32));
	return glob;
}

void
glob_free(EtlGlob *glob)
{
	pfree(glob->prefix);
	pfree(glob->program);
	pfree(glob->ranges);
	if (glob->now != NULL)
	{
		pfree(glob->now);
		pfree(glob->next);
		pfree(glob->stack);
		pfree(glob->mark);
	}
	pfree(glob);
}

const char *
glob_prefix(const EtlGlob *glob)
{
	return glob->prefix;
}

/* ---- matching ---- */

/* Add an instruction, or those that a split or jump leads to, to the set. */
static int
add(EtlGlob *glob, int *set, int count, int instruction)
{
	int depth = 0;

	glob->stack[depth++] = instruction;
	while (depth > 0)
	{
		int i = glob->stack[--depth];

		if (glob->mark[i] == glob->step)
			continue;
		glob->mark[i] = glob->step;
		if (glob->program[i].kind == GLOB_SPLIT)
		{
			glob->stack[depth++] = glob->program[i].second;
			glob->stack[depth++] = glob->program[i].first;
		}
		else if (glob->program[i].kind == GLOB_JUMP)
			glob->stack[depth++] = glob->program[i].first;
		else
			set[count++] = i;
	}
	return count;
}

static bool
in_set(const EtlGlob *glob, const Instruction *set, uint32 code)
{
	for (uint32 i = set->from; i < set->from + set->to; i++)
		if (code >= glob->ranges[i].from && code <= glob->ranges[i].to)
			return true;
	return false;
}

static bool
takes(const EtlGlob *glob, const Instruction *instruction, uint32 code)
{
	switch (instruction->kind)
	{
		case GLOB_CHAR:
			return instruction->from == code;
		case GLOB_OTHER:
			return code != '/';
		case GLOB_ANY:
			return true;
		case GLOB_SET:
			return code != '/' && in_set(glob, instruction, code) != instruction->negated;
		default:
			return false;
	}
}

bool
glob_matches(EtlGlob *glob, const char *key)
{
	int count;

	memset(glob->mark, 0, glob->count * sizeof(uint32));
	glob->step = 1;
	count = add(glob, glob->now, 0, 0);
	while (*key != '\0' && count > 0)
	{
		uint32 code = next_char(&key);
		int next_count = 0;
		int *swap = glob->now;

		glob->step++;
		for (int i = 0; i < count; i++)
			if (takes(glob, &glob->program[glob->now[i]], code))
				next_count = add(glob, glob->next, next_count, glob->now[i] + 1);
		glob->now = glob->next;
		glob->next = swap;
		count = next_count;
	}
	for (int i = 0; *key == '\0' && i < count; i++)
		if (glob->program[glob->now[i]].kind == GLOB_END)
			return true;
	return false;
}
