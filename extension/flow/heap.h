/*
 * heap.h
 *		A pairing heap whose nodes are elements of an array and point to each other by index. Pure.
 *
 * Made for shared memory: no allocation, no pointers. Many heaps can share one array; a heap is the index of its
 * root. Adding a node takes constant time, taking the first logarithmic time, amortized.
 */
#ifndef ETL_FLOW_HEAP_H
#define ETL_FLOW_HEAP_H

#include "base/platform.h"

#define ETL_HEAP_EMPTY (-1)

typedef struct EtlHeapNode
{
	int child;	 /* first child; ETL_HEAP_EMPTY: none */
	int sibling; /* next sibling */
} EtlHeapNode;

/* Does node a come before node b? */
typedef bool (*EtlHeapOrder)(int a, int b, const void *arg);

/* Node `index` of the array at `nodes`, whose elements are `stride` bytes apart and begin with an EtlHeapNode. */
typedef struct EtlHeapArray
{
	void *nodes;
	size_t stride;
	EtlHeapOrder comes_first;
	const void *arg;
} EtlHeapArray;

/* Both return the new root. */
extern int heap_add(const EtlHeapArray *array, int root, int index);
extern int heap_remove_first(const EtlHeapArray *array, int root);

#endif
