/*
 * json_walk.c
 *		One JSON value, in one pass. See json_walk.h. Pure.
 *
 * Most members come in the order they had in the record before, so the name is compared with that of the member that is
 * expected before it is looked for: then a name costs no more than a memcmp. Strings are scanned sixteen bytes a step.
 */
#include "format/json_walk.h"

#include "format/json_text.h"

/* What one step of the walk came to; p is then on what stopped it. */
typedef EtlJsonOutcome Step;

static Step
bad(EtlJsonWalk *walk, const char *p, const char *problem)
{
	walk->bad_at = p;
	walk->problem = problem;
	return ETL_JSON_BAD;
}

static inline const char *
skip_blanks(EtlJsonWalk *walk, const char *p, const char *limit)
{
	if (p < limit && (unsigned char) *p > ' ')
		return p;
	for (; p < limit && json_is_blank(*p); p++)
		walk->multiline |= *p == '\n';
	return p;
}

static inline bool
is_digit(const char *p, const char *limit)
{
	return p < limit && *p >= '0' && *p <= '9';
}

/* *cursor is on the backslash, and goes behind the escape. */
static Step
scan_escape(EtlJsonWalk *walk, const char **cursor, const char *limit)
{
	const char *p = *cursor + 1;

	if (p == limit)
		return ETL_JSON_CUT;
	if (*p == 'u')
	{
		for (int i = 1; i <= 4; i++)
		{
			if (p + i == limit)
				return ETL_JSON_CUT;
			if (!isxdigit((unsigned char) p[i]))
				return bad(walk, *cursor, "\\u is not followed by four hexadecimal digits");
		}
		*cursor = p + 5;
		return ETL_JSON_WHOLE;
	}
	if (*p == '\0' || strchr("\"\\/bfnrt", *p) == NULL)
		return bad(walk, *cursor, "a string has an escape that is none");
	*cursor = p + 1;
	return ETL_JSON_WHOLE;
}

/* *cursor is behind the opening quote, and goes onto the closing one. */
static inline Step
scan_string(EtlJsonWalk *walk, const char **cursor, const char *limit, bool *escaped)
{
	const char *p = *cursor;
	Step step;

	*escaped = false;
	for (;;)
	{
		p = json_string_stop(p, limit);
		if (p == limit)
			return ETL_JSON_CUT;
		if (*p == '"')
			break;
		if (*p == '\n' || *p == '\r')
			return bad(walk, p, "a string is not closed on its line");
		if (*p != '\\')
			return bad(walk, p, "a string has a control character in it");
		*escaped = true;
		step = scan_escape(walk, &p, limit);
		if (step != ETL_JSON_WHOLE)
			return step;
	}
	*cursor = p;
	return ETL_JSON_WHOLE;
}

static inline Step
scan_number(EtlJsonWalk *walk, const char **cursor, const char *limit, bool final)
{
	const char *p = *cursor;

	if (*p == '-')
		p++;
	if (p < limit && *p == '0')
		p++;
	else if (is_digit(p, limit))
		while (is_digit(p, limit))
			p++;
	else
		return p == limit ? ETL_JSON_CUT : bad(walk, p, "it is no JSON value");
	if (p < limit && *p == '.')
	{
		p++;
		if (!is_digit(p, limit))
			return p == limit ? ETL_JSON_CUT : bad(walk, p, "a number has no digit after its point");
		while (is_digit(p, limit))
			p++;
	}
	if (p < limit && (*p == 'e' || *p == 'E'))
	{
		p++;
		if (p < limit && (*p == '+' || *p == '-'))
			p++;
		if (!is_digit(p, limit))
			return p == limit ? ETL_JSON_CUT : bad(walk, p, "a number has no digit in its exponent");
		while (is_digit(p, limit))
			p++;
	}
	/* It may go on behind the limit. */
	if (p == limit && !final)
		return ETL_JSON_CUT;
	*cursor = p;
	return ETL_JSON_WHOLE;
}

static Step
scan_word(EtlJsonWalk *walk, const char **cursor, const char *limit, const char *word)
{
	size_t len = strlen(word);
	size_t have = Min(limit - *cursor, len);

	if (memcmp(*cursor, word, have) != 0)
		return bad(walk, *cursor, "it is no JSON value");
	if (have < len)
		return ETL_JSON_CUT;
	*cursor += len;
	return ETL_JSON_WHOLE;
}

static inline void
take(EtlJsonWalk *walk, const EtlJsonNode *node, const char *data, const char *end, bool quoted, bool escaped)
{
	for (int i = node->field; i >= 0; i = walk->tree.same[i])
	{
		walk->fields[i] = (EtlField){.data = data, .len = end - data, .quoted = quoted};
		walk->escaped[i] = escaped;
		walk->any_escaped |= escaped;
	}
}

static inline void
take_null(EtlJsonWalk *walk, const EtlJsonNode *node)
{
	for (int i = node->field; i >= 0; i = walk->tree.same[i])
	{
		walk->fields[i] = (EtlField){.is_null = true};
		walk->escaped[i] = false;
	}
}

/* No field in what is below `first` and its siblings has a value, because of `trouble`. */
static void
forget(EtlJsonWalk *walk, const EtlJsonNode *first, EtlJsonTrouble trouble)
{
	for (const EtlJsonNode *node = first; node != NULL; node = node->next_sibling)
	{
		take_null(walk, node);
		for (int i = node->field; i >= 0; i = walk->tree.same[i])
			walk->trouble[i] = trouble;
		walk->any_trouble |= trouble != ETL_JSON_TROUBLE_NONE;
		forget(walk, node->members, trouble);
		forget(walk, node->elements, trouble);
	}
}

/*
 * A value is at p for a node that values inside it are wanted of. A member of the same name may have had some already,
 * and they may not be there: paths go into an object or an array, null is neither and no trouble.
 */
static void
enter(EtlJsonWalk *walk, EtlJsonNode *node, char first)
{
	if (node->seen == walk->serial)
	{
		forget(walk, node->members, ETL_JSON_TROUBLE_NONE);
		forget(walk, node->elements, ETL_JSON_TROUBLE_NONE);
	}
	node->seen = walk->serial;
	if (first != 'n' && first != '{')
		forget(walk, node->members, ETL_JSON_TROUBLE_MEMBER);
	if (first != 'n' && first != '[')
		forget(walk, node->elements, ETL_JSON_TROUBLE_INDEX);
}

/* The member of an object whose name is at *cursor, NULL if it isn't wanted; *cursor goes behind the closing quote. */
static inline Step
scan_name(EtlJsonWalk *walk, EtlJsonLevel *level, const char **cursor, const char *limit, EtlJsonNode **found)
{
	EtlJsonNode *guess = level->node != NULL ? *level->expected : NULL;
	const char *start = *cursor + 1;
	const char *p = start;
	bool escaped;
	Step step;

	*found = NULL;
	if (guess != NULL && guess->plain && limit - start > guess->name_len && start[guess->name_len] == '"' &&
		memcmp(start, guess->name, guess->name_len) == 0)
	{
		*cursor = start + guess->name_len + 1;
		level->expected = &guess->follower;
		*found = guess;
		return ETL_JSON_WHOLE;
	}
	step = scan_string(walk, &p, limit, &escaped);
	if (step != ETL_JSON_WHOLE)
		return step;
	*cursor = p + 1;
	if (level->node == NULL)
		return ETL_JSON_WHOLE;
	if (!escaped)
		*found = json_tree_member(&walk->tree, level->node, start, p - start);
	else
	{
		uint32 len;

		resetStringInfo(&walk->key);
		enlargeStringInfo(&walk->key, p - start);
		if (json_unescape(start, p, walk->key.data, &len) == ETL_LOAD_OK)
			*found = json_tree_member(&walk->tree, level->node, walk->key.data, len);
	}
	if (*found != NULL)
	{
		*level->expected = *found;
		level->expected = &(*found)->follower;
	}
	return ETL_JSON_WHOLE;
}

/* A member from its name on, as far as its value; NULL: the value isn't wanted. */
static inline Step
scan_member(EtlJsonWalk *walk, EtlJsonLevel *level, const char **cursor, const char *limit,
			EtlJsonNode **node)
{
	const char *p = *cursor;
	Step step;

	if (p == limit)
		return ETL_JSON_CUT;
	if (*p != '"')
		return bad(walk, p, "a member has no name in double quotes");
	step = scan_name(walk, level, &p, limit, node);
	if (step != ETL_JSON_WHOLE)
		return step;
	p = skip_blanks(walk, p, limit);
	if (p == limit)
		return ETL_JSON_CUT;
	if (*p != ':')
		return bad(walk, p, "a member has no colon after its name");
	*cursor = skip_blanks(walk, p + 1, limit);
	return ETL_JSON_WHOLE;
}

static inline EtlJsonNode *
next_element(EtlJsonLevel *level)
{
	EtlJsonNode *node = level->element;

	if (node == NULL || node->index != level->index)
		return NULL;
	level->element = node->next_sibling;
	return node;
}

/* A value that is neither object nor array. */
static inline Step
scan_scalar(EtlJsonWalk *walk, EtlJsonNode *node, const char **cursor, const char *limit, bool final)
{
	const char *start = *cursor;
	bool escaped = false;
	Step step;

	if (*start == '"')
	{
		const char *p = start + 1;

		step = scan_string(walk, &p, limit, &escaped);
		if (step != ETL_JSON_WHOLE)
			return step;
		if (node != NULL)
			take(walk, node, start + 1, p, true, escaped);
		*cursor = p + 1;
		return ETL_JSON_WHOLE;
	}
	if (*start == 't')
		step = scan_word(walk, cursor, limit, "true");
	else if (*start == 'f')
		step = scan_word(walk, cursor, limit, "false");
	else if (*start == 'n')
	{
		step = scan_word(walk, cursor, limit, "null");
		if (step == ETL_JSON_WHOLE && node != NULL)
			take_null(walk, node);
		return step;
	}
	else
		step = scan_number(walk, cursor, limit, final);
	if (step == ETL_JSON_WHOLE && node != NULL)
		take(walk, node, start, *cursor, false, false);
	return step;
}

/* A whole value, from its first byte to walk->end. */
static Step
scan_value(EtlJsonWalk *walk, const char *p, const char *limit, bool final)
{
	EtlJsonNode *node = walk->tree.root;
	int depth = 0;

	for (;;)
	{
		EtlJsonLevel *level;
		Step step = ETL_JSON_WHOLE;
		bool closed = false;

		/* A value is at p. */
		if (p == limit)
			return ETL_JSON_CUT;
		if (node != NULL && (node->members != NULL || node->elements != NULL))
			enter(walk, node, *p);
		if (*p == '{' || *p == '[')
		{
			if (depth == ETL_JSON_MAX_DEPTH)
				return bad(walk, p,
						   "it is nested more than " CppAsString2(ETL_JSON_MAX_DEPTH) " levels deep");
			level = &walk->levels[depth++];
			*level = (EtlJsonLevel){.node = node, .start = p, .is_array = *p == '['};
			p = skip_blanks(walk, p + 1, limit);
			if (p == limit)
				return ETL_JSON_CUT;
			if (node != NULL && level->is_array)
				level->element = node->elements;
			else if (node != NULL)
				level->expected = &node->first;
			closed = *p == (level->is_array ? ']' : '}');
		}
		else
		{
			step = scan_scalar(walk, node, &p, limit, final);
			if (step != ETL_JSON_WHOLE)
				return step;
			level = NULL;
		}
		/* What follows it, after however many brackets close. */
		while (closed || level == NULL)
		{
			if (closed)
			{
				level = &walk->levels[--depth];
				p++;
				if (level->element != NULL)
					forget(walk, level->element, ETL_JSON_TROUBLE_INDEX);
				if (level->node != NULL)
					take(walk, level->node, level->start, p, false, false);
			}
			if (depth == 0)
			{
				walk->end = p;
				return ETL_JSON_WHOLE;
			}
			level = &walk->levels[depth - 1];
			p = skip_blanks(walk, p, limit);
			if (p == limit)
				return ETL_JSON_CUT;
			closed = *p == (level->is_array ? ']' : '}');
			if (closed)
				continue;
			if (*p != ',')
				return bad(walk, p,
						   level->is_array ? "two elements have no comma between them"
										   : "two members have no comma between them");
			p = skip_blanks(walk, p + 1, limit);
			level->index++;
		}
		if (level->is_array)
			node = next_element(level);
		else
		{
			step = scan_member(walk, level, &p, limit, &node);
			if (step != ETL_JSON_WHOLE)
				return step;
		}
	}
}

EtlJsonOutcome
json_walk(EtlJsonWalk *walk, const char *p, const char *limit, bool final)
{
	Step step;

	if (walk->column_count > 0)
		memcpy(walk->fields, walk->blank, walk->column_count * sizeof(EtlField));
	if (walk->any_trouble)
		memset(walk->trouble, ETL_JSON_TROUBLE_NONE, walk->column_count);
	walk->any_escaped = false;
	walk->any_trouble = false;
	walk->multiline = false;
	walk->serial++;
	step = scan_value(walk, p, limit, final);
	if (step == ETL_JSON_CUT && final)
		return bad(walk, limit, "it is cut off");
	return step;
}

void
json_walk_init(EtlJsonWalk *walk, const EtlJsonOptions *options)
{
	int room = Max(options->column_count, 1);

	memset(walk, 0, offsetof(EtlJsonWalk, levels));
	json_tree_build(&walk->tree, options);
	walk->column_count = options->column_count;
	walk->fields = palloc(room * sizeof(EtlField));
	walk->blank = palloc0(room * sizeof(EtlField));
	for (int i = 0; i < options->column_count; i++)
		walk->blank[i].is_null = true;
	walk->escaped = palloc0(room * sizeof(bool));
	walk->trouble = palloc0(room);
	initStringInfo(&walk->key);
}

void
json_walk_free(EtlJsonWalk *walk)
{
	json_tree_free(&walk->tree);
	pfree(walk->fields);
	pfree(walk->blank);
	pfree(walk->escaped);
	pfree(walk->trouble);
	pfree(walk->key.data);
}
