/*
 * order.c
 *		Lanes and order of a graph of tasks. See order.h.
 *
 * The same graph gives the same drawing: wherever there is a choice, the position of a task in the caller's array
 * decides.
 */
#include "report/order.h"

/* A set of tasks as bits, one row of words a task. */
typedef struct TaskSets
{
	int words;
	uint64 *bits;
} TaskSets;

static TaskSets
task_sets_make(int count)
{
	TaskSets sets = {.words = (count + 63) / 64};

	sets.bits = palloc0(sizeof(uint64) * sets.words * Max(count, 1));
	return sets;
}

static uint64 *
task_set(const TaskSets *sets, int task)
{
	return sets->bits + (size_t) task * sets->words;
}

static void
set_add(uint64 *set, int task)
{
	set[task / 64] |= UINT64CONST(1) << (task % 64);
}

static bool
set_has(const uint64 *set, int task)
{
	return (set[task / 64] & (UINT64CONST(1) << (task % 64))) != 0;
}

/* Tasks in an order in which dependencies come first. Fewer than count: the rest are in a cycle. */
static int
sort_topologically(const EtlGraphTask *tasks, int count, int *sorted)
{
	bool *placed = palloc0(Max(count, 1) * sizeof(bool));
	int found = 0;
	bool progress = true;

	while (progress)
	{
		progress = false;
		for (int i = 0; i < count; i++)
		{
			bool ready = !placed[i];

			for (int d = 0; ready && d < tasks[i].dependency_count; d++)
				ready = placed[tasks[i].dependencies[d]];
			if (ready)
			{
				placed[i] = progress = true;
				sorted[found++] = i;
			}
		}
	}
	pfree(placed);
	return found;
}

/*
 * The dependencies of each task without those that follow from others, as sets. A dependency follows from others
 * when it is an ancestor of one of them.
 */
static TaskSets
reduce_dependencies(const EtlGraphTask *tasks, int count, const int *sorted)
{
	TaskSets ancestors = task_sets_make(count);
	TaskSets reduced = task_sets_make(count);

	for (int i = 0; i < count; i++)
	{
		const EtlGraphTask *task = &tasks[sorted[i]];
		uint64 *above = task_set(&ancestors, sorted[i]);

		for (int d = 0; d < task->dependency_count; d++)
		{
			const uint64 *further = task_set(&ancestors, task->dependencies[d]);

			for (int w = 0; w < ancestors.words; w++)
				above[w] |= further[w];
		}
		for (int d = 0; d < task->dependency_count; d++)
			if (!set_has(above, task->dependencies[d]))
				set_add(task_set(&reduced, sorted[i]), task->dependencies[d]);
		for (int d = 0; d < task->dependency_count; d++)
			set_add(above, task->dependencies[d]);
	}
	pfree(ancestors.bits);
	return reduced;
}

static void
list_append(int **list, int *length, int value)
{
	/* room for 1, 2, 4, 8, … */
	if (*length == 0)
		*list = palloc(sizeof(int));
	else if ((*length & (*length - 1)) == 0)
		*list = repalloc(*list, sizeof(int) * 2 * *length);
	(*list)[(*length)++] = value;
}

/* The lane for a set of dependencies, made if there is none yet; -1 for the empty set. */
static int
lane_of_set(EtlGraphOrder *order, const TaskSets *reduced, int task)
{
	const uint64 *set = task_set(reduced, task);
	EtlGraphLane lane = {0};

	for (int l = 0; l < order->lane_count; l++)
		if (memcmp(task_set(reduced, order->lanes[l].children[0]), set, reduced->words * sizeof(uint64)) == 0)
			return l;
	for (int member = 0; member < order->count; member++)
		if (set_has(set, member))
			list_append(&lane.members, &lane.member_count, member);
	if (lane.member_count == 0)
		return -1;
	for (int m = 0; m < lane.member_count; m++)
	{
		EtlGraphNode *node = &order->nodes[lane.members[m]];

		list_append(&node->feeds, &node->feed_count, order->lane_count);
	}
	order->lanes[order->lane_count] = lane;
	return order->lane_count++;
}

static void
make_lanes(EtlGraphOrder *order, const TaskSets *reduced)
{
	for (int i = 0; i < order->count; i++)
	{
		int lane = lane_of_set(order, reduced, i);

		order->nodes[i].lane = lane;
		if (lane >= 0)
			list_append(&order->lanes[lane].children, &order->lanes[lane].child_count, i);
	}
}

static void
measure_heights(EtlGraphOrder *order, const int *sorted)
{
	for (int i = order->count - 1; i >= 0; i--)
	{
		const EtlGraphNode *node = &order->nodes[sorted[i]];
		const EtlGraphLane *lane;

		if (node->lane < 0)
			continue;
		lane = &order->lanes[node->lane];
		for (int m = 0; m < lane->member_count; m++)
		{
			EtlGraphNode *member = &order->nodes[lane->members[m]];

			member->height = Max(member->height, node->height + 1);
		}
	}
}

/* Insertion sort, so that equals keep their order: by height, or by height from the greatest down. */
static void
sort_by_height(const EtlGraphOrder *order, int *tasks, int count, bool greatest_first)
{
	for (int i = 1; i < count; i++)
	{
		int task = tasks[i];
		int at = i;

		while (at > 0 && (greatest_first ? order->nodes[tasks[at - 1]].height < order->nodes[task].height
										 : order->nodes[tasks[at - 1]].height > order->nodes[task].height))
		{
			tasks[at] = tasks[at - 1];
			at--;
		}
		tasks[at] = task;
	}
}

/* Give everything that is connected with `start` the number `component`. */
static void
mark_component(EtlGraphOrder *order, int start, int component, int *stack)
{
	int depth = 0;

	order->nodes[start].component = component;
	stack[depth++] = start;
	while (depth > 0)
	{
		const EtlGraphNode *node = &order->nodes[stack[--depth]];

		for (int f = -1; f < node->feed_count; f++)
		{
			int index = f < 0 ? node->lane : node->feeds[f];
			const EtlGraphLane *lane = index < 0 ? NULL : &order->lanes[index];

			for (int n = 0; lane != NULL && n < lane->member_count + lane->child_count; n++)
			{
				int other = n < lane->member_count ? lane->members[n] : lane->children[n - lane->member_count];

				if (order->nodes[other].component < 0)
				{
					order->nodes[other].component = component;
					stack[depth++] = other;
				}
			}
		}
	}
}

/* Of two lanes that become complete at once, the one with the shorter way to an end is drawn first. */
static int
lane_height(const EtlGraphOrder *order, const EtlGraphLane *lane)
{
	return order->nodes[lane->children[lane->child_count - 1]].height;
}

/*
 * Depth first, so that a branch stays together: after a task comes what its completion lets start. The stack holds
 * tasks that can be drawn, next on top.
 */
static void
make_sequence(EtlGraphOrder *order, int *stack)
{
	int *missing = palloc(Max(order->lane_count, 1) * sizeof(int));
	int *roots = palloc(Max(order->count, 1) * sizeof(int));
	int depth = 0;
	int drawn = 0;
	int root_count = 0;

	for (int l = 0; l < order->lane_count; l++)
		missing[l] = order->lanes[l].member_count;
	for (int i = 0; i < order->count; i++)
		if (order->nodes[i].lane < 0)
			roots[root_count++] = i;
	sort_by_height(order, roots, root_count, true);

	/* Components in order of their number; in each, what starts the longest way first. */
	for (int component = 0; drawn < order->count; component++)
	{
		for (int r = root_count - 1; r >= 0; r--)
			if (order->nodes[roots[r]].component == component)
				stack[depth++] = roots[r];
		while (depth > 0)
		{
			int task = stack[--depth];
			const EtlGraphNode *node = &order->nodes[task];
			int *complete = NULL;
			int complete_count = 0;

			order->sequence[drawn++] = task;
			for (int f = 0; f < node->feed_count; f++)
				if (--missing[node->feeds[f]] == 0)
					list_append(&complete, &complete_count, node->feeds[f]);
			/* the tallest goes on the stack first */
			for (; complete_count > 0; complete_count--)
			{
				int tallest = 0;
				const EtlGraphLane *lane;

				for (int c = 1; c < complete_count; c++)
					if (lane_height(order, &order->lanes[complete[c]]) >
						lane_height(order, &order->lanes[complete[tallest]]))
						tallest = c;
				lane = &order->lanes[complete[tallest]];
				for (int c = lane->child_count - 1; c >= 0; c--)
					stack[depth++] = lane->children[c];
				memmove(&complete[tallest], &complete[tallest + 1],
						(complete_count - tallest - 1) * sizeof(int));
			}
		}
	}
}

bool
graph_order_make(const EtlGraphTask *tasks, int count, EtlGraphOrder *order, EtlError *error)
{
	int *sorted = palloc(Max(count, 1) * sizeof(int));
	int *stack = palloc(Max(count, 1) * sizeof(int));
	TaskSets reduced;
	int components = 0;

	if (count > ETL_GRAPH_MAX_TASKS)
		return etl_error_set(error, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "a graph of %d tasks is too large to draw",
							 count);
	if (sort_topologically(tasks, count, sorted) < count)
		return etl_error_set(error, ERRCODE_DATA_CORRUPTED, "the tasks' dependencies form a cycle");

	*order = (EtlGraphOrder){.count = count};
	order->nodes = palloc0(Max(count, 1) * sizeof(EtlGraphNode));
	order->lanes = palloc0(Max(count, 1) * sizeof(EtlGraphLane));
	order->sequence = palloc(Max(count, 1) * sizeof(int));
	reduced = reduce_dependencies(tasks, count, sorted);
	make_lanes(order, &reduced);
	measure_heights(order, sorted);
	for (int l = 0; l < order->lane_count; l++)
		sort_by_height(order, order->lanes[l].children, order->lanes[l].child_count, false);
	for (int i = 0; i < count; i++)
		order->nodes[i].component = -1;
	for (int i = 0; i < count; i++)
		if (order->nodes[i].component < 0)
			mark_component(order, i, components++, stack);
	make_sequence(order, stack);
	return true;
}
