/*
 * json_walk.h
 *		One JSON value: whether it is well-formed, where it ends, and the parts of it that are wanted. Pure.
 *
 * What json_reader.c is made of. In one pass, without recursion, and nothing is copied: fields point into the value.
 */
#ifndef ETL_FORMAT_JSON_WALK_H
#define ETL_FORMAT_JSON_WALK_H

#include "format/json_tree.h"
#include "format/record.h"

typedef enum EtlJsonTrouble
{
	ETL_JSON_TROUBLE_NONE,
	ETL_JSON_TROUBLE_INDEX, /* the path goes into an array that is none, or too short */
	ETL_JSON_TROUBLE_MEMBER /* the path goes to a member of what is no object */
} EtlJsonTrouble;

typedef struct EtlJsonLevel
{
	EtlJsonNode *node;		/* of the object or array; NULL: nothing in it is wanted */
	EtlJsonNode **expected; /* object: the member that may be next */
	EtlJsonNode *element;	/* array: the next wanted one */
	const char *start;
	int index; /* array: of the element */
	bool is_array;
} EtlJsonLevel;

typedef struct EtlJsonWalk
{
	EtlJsonTree tree;
	int column_count;
	/* What the value has for the columns */
	EtlField *fields;
	bool *escaped; /* data has its escapes yet */
	uint8 *trouble;
	bool any_escaped;
	bool any_trouble;
	/* Where it ends, or what is wrong with it */
	const char *end;
	const char *bad_at;
	const char *problem;
	bool multiline; /* there are line ends in it */

	uint64 serial;		/* values walked */
	EtlField *blank;	/* fields before any is found */
	StringInfoData key; /* a name without its escapes */
	EtlJsonLevel levels[ETL_JSON_MAX_DEPTH];
} EtlJsonWalk;

typedef enum EtlJsonOutcome
{
	ETL_JSON_WHOLE,
	ETL_JSON_CUT, /* it is well-formed up to limit, and not whole */
	ETL_JSON_BAD
} EtlJsonOutcome;

extern void json_walk_init(EtlJsonWalk *walk, const EtlJsonOptions *options);
extern void json_walk_free(EtlJsonWalk *walk);
/* The value that starts at p, which is before limit and no blank. final: what is cut is bad. */
extern EtlJsonOutcome json_walk(EtlJsonWalk *walk, const char *p, const char *limit, bool final);

static inline bool
json_is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

#endif
