/*
 * json_tree.c
 *		Which values of a JSON record are wanted. See json_tree.h. Pure.
 */
#include "format/json_tree.h"

#include "format/json_text.h"

static inline char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static uint32
hash_name(const char *name, int len, bool ignore_case)
{
	uint32 hash = 2166136261u;

	for (int i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) (ignore_case ? lower(name[i]) : name[i])) * 16777619u;
	return hash ^ hash >> 15;
}

static bool
same_name(const EtlJsonNode *node, const char *name, int len, bool ignore_case)
{
	if (node->name_len != len)
		return false;
	if (!ignore_case)
		return memcmp(node->name, name, len) == 0;
	for (int i = 0; i < len; i++)
		if (node->name[i] != lower(name[i]))
			return false;
	return true;
}

EtlJsonNode *
json_tree_member(const EtlJsonTree *tree, const EtlJsonNode *node, const char *name, int len)
{
	if (node->slots == NULL)
		return NULL;
	for (uint32 i = hash_name(name, len, tree->ignore_case);; i++)
	{
		EtlJsonNode *child = node->slots[i & node->slot_mask];

		if (child == NULL || same_name(child, name, len, tree->ignore_case))
			return child;
	}
}

static EtlJsonNode *
add_node(EtlJsonTree *tree)
{
	EtlJsonNode *node = &tree->nodes[tree->node_count++];

	node->field = -1;
	return node;
}

static EtlJsonNode *
add_member(EtlJsonTree *tree, EtlJsonNode *parent, const char *name, int len, char **names)
{
	EtlJsonNode **link = &parent->members;

	for (; *link != NULL; link = &(*link)->next_sibling)
		if (same_name(*link, name, len, tree->ignore_case))
			return *link;
	*link = add_node(tree);
	for (int i = 0; i < len; i++)
		(*names)[i] = tree->ignore_case ? lower(name[i]) : name[i];
	(*link)->name = *names;
	(*link)->name_len = len;
	(*link)->plain = json_string_stop(*names, *names + len) == *names + len;
	*names += len;
	return *link;
}

static EtlJsonNode *
add_element(EtlJsonTree *tree, EtlJsonNode *parent, int index)
{
	EtlJsonNode **link = &parent->elements;
	EtlJsonNode *node;

	while (*link != NULL && (*link)->index < index)
		link = &(*link)->next_sibling;
	if (*link != NULL && (*link)->index == index)
		return *link;
	node = add_node(tree);
	node->index = index;
	node->next_sibling = *link;
	*link = node;
	return node;
}

static void
add_field(EtlJsonTree *tree, EtlJsonNode *node, int field)
{
	tree->same[field] = node->field;
	node->field = field;
}

static void
fill_slots(EtlJsonTree *tree, EtlJsonNode *node)
{
	uint32 count = 0;
	uint32 size = 2;

	for (EtlJsonNode *child = node->members; child != NULL; child = child->next_sibling)
		count++;
	if (count == 0)
		return;
	while (size < 2 * count)
		size *= 2;
	node->slots = palloc0(size * sizeof(EtlJsonNode *));
	node->slot_mask = size - 1;
	for (EtlJsonNode *child = node->members; child != NULL; child = child->next_sibling)
	{
		uint32 i = hash_name(child->name, child->name_len, tree->ignore_case);

		while (node->slots[i & node->slot_mask] != NULL)
			i++;
		node->slots[i & node->slot_mask] = child;
	}
}

/* Bytes of all names, and one node for each step at most. */
static void
allocate(EtlJsonTree *tree, const EtlJsonOptions *options)
{
	size_t bytes = 1;
	size_t nodes = 1;

	for (int i = 0; i < options->column_count; i++)
	{
		if (options->mapping == ETL_JSON_PATHS)
		{
			const EtlJsonPath *path = &options->paths->paths[i];

			for (int j = 0; j < path->count; j++)
				bytes += path->steps[j].name != NULL ? path->steps[j].len : 0;
			nodes += path->count;
		}
		else if (options->mapping != ETL_JSON_NOSHRED)
		{
			bytes += strlen(options->columns[i]);
			nodes++;
		}
	}
	tree->names = palloc(bytes);
	tree->nodes = palloc0(nodes * sizeof(EtlJsonNode));
	tree->same = palloc(Max(options->column_count, 1) * sizeof(int));
}

void
json_tree_build(EtlJsonTree *tree, const EtlJsonOptions *options)
{
	char *names;

	memset(tree, 0, sizeof(*tree));
	tree->ignore_case = options->mapping == ETL_JSON_AUTO_IGNORECASE || options->ignore_case;
	allocate(tree, options);
	names = tree->names;
	tree->root = add_node(tree);
	for (int i = 0; i < options->column_count; i++)
	{
		EtlJsonNode *node = tree->root;

		if (options->mapping == ETL_JSON_PATHS)
		{
			const EtlJsonPath *path = &options->paths->paths[i];

			for (int j = 0; j < path->count; j++)
			{
				const EtlJsonStep *step = &path->steps[j];

				node = step->name != NULL ? add_member(tree, node, step->name, step->len, &names)
										  : add_element(tree, node, step->index);
			}
		}
		else if (options->mapping != ETL_JSON_NOSHRED)
			node = add_member(tree, node, options->columns[i], strlen(options->columns[i]), &names);
		add_field(tree, node, i);
	}
	for (int i = 0; i < tree->node_count; i++)
		fill_slots(tree, &tree->nodes[i]);
}

void
json_tree_free(EtlJsonTree *tree)
{
	for (int i = 0; i < tree->node_count; i++)
		if (tree->nodes[i].slots != NULL)
			pfree(tree->nodes[i].slots);
	pfree(tree->nodes);
	pfree(tree->names);
	pfree(tree->same);
}
