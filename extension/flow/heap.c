/*
 * heap.c
 *		A pairing heap in an array. See heap.h.
 */
#include "flow/heap.h"

static EtlHeapNode *
node_at(const EtlHeapArray *array, int index)
{
	return (EtlHeapNode *) ((char *) array->nodes + array->stride * index);
}

/* Two heaps become one: the root that comes later is the other's first child. */
static int
meld(const EtlHeapArray *array, int a, int b)
{
	EtlHeapNode *parent;
	int child;

	if (a == ETL_HEAP_EMPTY)
		return b;
	if (b == ETL_HEAP_EMPTY)
		return a;
	if (array->comes_first(b, a, array->arg))
	{
		int swap = a;

		a = b;
		b = swap;
	}
	parent = node_at(array, a);
	child = parent->child;
	parent->child = b;
	node_at(array, b)->sibling = child;
	return a;
}

int
heap_add(const EtlHeapArray *array, int root, int index)
{
	node_at(array, index)->child = ETL_HEAP_EMPTY;
	node_at(array, index)->sibling = ETL_HEAP_EMPTY;
	return meld(array, root, index);
}

int
heap_remove_first(const EtlHeapArray *array, int root)
{
	int pairs = ETL_HEAP_EMPTY; /* melded pairs of children, the last pair first */
	int next = node_at(array, root)->child;

	while (next != ETL_HEAP_EMPTY)
	{
		int a = next;
		int b = node_at(array, a)->sibling;
		int pair;

		next = b == ETL_HEAP_EMPTY ? ETL_HEAP_EMPTY : node_at(array, b)->sibling;
		node_at(array, a)->sibling = ETL_HEAP_EMPTY;
		if (b != ETL_HEAP_EMPTY)
			node_at(array, b)->sibling = ETL_HEAP_EMPTY;
		pair = meld(array, a, b);
		node_at(array, pair)->sibling = pairs;
		pairs = pair;
	}
	root = ETL_HEAP_EMPTY;
	while (pairs != ETL_HEAP_EMPTY)
	{
		next = node_at(array, pairs)->sibling;
		node_at(array, pairs)->sibling = ETL_HEAP_EMPTY;
		root = meld(array, root, pairs);
		pairs = next;
	}
	return root;
}
