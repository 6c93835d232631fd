/*
 * json_tree.h
 *		Which values of a record of JSON (or XML) are wanted, as a tree to walk along with the record. Pure.
 *
 * The root is the record. A node is there for each step on the way to a wanted value, so a part of the record that has
 * no node is only looked at for being well-formed. Columns' names are a tree of one level.
 */
#ifndef ETL_FORMAT_JSON_TREE_H
#define ETL_FORMAT_JSON_TREE_H

#include "format/json_paths.h"
#include "format/json_reader.h"

typedef struct EtlJsonNode EtlJsonNode;
struct EtlJsonNode
{
	int field; /* the first that takes this value; -1: none. The others: tree.same */
	/* As a member */
	const char *name;
	int name_len;
	bool plain;			   /* the name has nothing that JSON escapes */
	EtlJsonNode *follower; /* the member that came after it the last time */
	/* As an element: which one. As a member, in XML: how many of its name there were */
	int index;
	/* What is wanted of it */
	EtlJsonNode *members;  /* linked by next_sibling */
	EtlJsonNode *first;	   /* the member that came first the last time */
	EtlJsonNode *elements; /* likewise, in ascending order */
	EtlJsonNode *next_sibling;
	EtlJsonNode **slots; /* members by hash; NULL: there are none */
	uint32 slot_mask;
	uint64 seen; /* the record it was last met in; of nodes that have members or elements */
};

typedef struct EtlJsonTree
{
	EtlJsonNode *root;
	EtlJsonNode *nodes; /* all, in one allocation */
	int node_count;
	int *same; /* of a field: the next one that takes the same value; -1: none */
	char *names;
	bool ignore_case;
} EtlJsonTree;

/* Allocated in the current context. */
extern void json_tree_build(EtlJsonTree *tree, const EtlJsonOptions *options);
extern void json_tree_free(EtlJsonTree *tree);
/* The member of that name, which is without escapes; NULL: it isn't wanted. */
extern EtlJsonNode *json_tree_member(const EtlJsonTree *tree, const EtlJsonNode *node, const char *name,
									 int len);

#endif
