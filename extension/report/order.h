/*
 * order.h
 *		A graph of tasks, made ready for drawing: which lanes there are, and in what order tasks are drawn. Pure.
 *
 * A lane stands for a set of tasks that some other task depends on. It begins where the first of them is drawn, the
 * others feed it, and everything that depends on exactly that set hangs from it. So the width of a drawing does not
 * grow with the number of tasks that fork from one or join in one: five hundred parallel loads between two steps
 * are two lanes.
 *
 * Dependencies that follow from others (c on a, where c depends on b and b on a) change nothing and are left out.
 */
#ifndef ETL_REPORT_ORDER_H
#define ETL_REPORT_ORDER_H

#include "base/error.h"

/* More than this nobody reads, and it bounds the memory of a drawing. */
#define ETL_GRAPH_MAX_TASKS 1000

/* A task as the caller knows it: the positions in the array of those it depends on. */
typedef struct EtlGraphTask
{
	int dependency_count;
	const int *dependencies;
} EtlGraphTask;

typedef struct EtlGraphLane
{
	int member_count; /* tasks that feed it */
	int child_count;  /* tasks that hang from it, shortest way to an end first */
	int *members;
	int *children;
} EtlGraphLane;

typedef struct EtlGraphNode
{
	int lane;		/* the lane it hangs from; -1: it depends on nothing */
	int feed_count; /* lanes that it feeds */
	int *feeds;
	int component; /* number of the connected part it is in */
	int height;	   /* steps on the longest way to an end */
} EtlGraphNode;

typedef struct EtlGraphOrder
{
	int count;
	EtlGraphNode *nodes;
	int lane_count;
	EtlGraphLane *lanes;
	int *sequence; /* task positions as they are drawn: what a task depends on comes before it */
} EtlGraphOrder;

/* False, with the error filled, for a graph with a cycle or of more than ETL_GRAPH_MAX_TASKS. */
extern bool graph_order_make(const EtlGraphTask *tasks, int count, EtlGraphOrder *order, EtlError *error);

#endif
