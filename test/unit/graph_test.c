/*
 * graph_test.c
 *		Drawings of graphs of tasks: what is drawn is compared as it is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "report/draw.h"

#include <cmocka.h>

/* The drawing of a graph given as text: a line a task, its letter, then those it depends on. */
static char *
drawn(const char *graph, bool box)
{
	EtlGraphTask tasks[26];
	int dependencies[26][26];
	char marks[26][2] = {0};
	const char *mark_pointers[26];
	int count = 0;
	EtlGraphOrder order;
	EtlGraphDrawing drawing;
	EtlError error;
	StringInfoData out;

	for (const char *at = graph; *at != '\0'; at++)
	{
		if (*at == ' ')
			continue;
		marks[count][0] = *at;
		mark_pointers[count] = marks[count];
		tasks[count] = (EtlGraphTask){.dependencies = dependencies[count]};
		while (*++at != '\n')
			dependencies[count][tasks[count].dependency_count++] = *at - 'a';
		count++;
	}
	assert_true(graph_order_make(tasks, count, &order, &error));
	graph_draw(&order, mark_pointers, box, &drawing);
	initStringInfo(&out);
	for (int l = 0; l < drawing.line_count; l++)
	{
		appendStringInfo(&out, "%s\n", drawing.lines[l].lanes);
		assert_in_range(drawing.lines[l].width, 0, drawing.width);
	}
	return out.data;
}

static void
a_chain_is_a_line(void **state)
{
	assert_string_equal(drawn("a\nba\ncb\n", true), "a\n"
													"│\n"
													"b\n"
													"│\n"
													"c\n");
}

static void
a_fork_and_its_join_are_two_lanes(void **state)
{
	const char *graph = "a\nba\nca\nda\nebcd\n";

	assert_string_equal(drawn(graph, true), "a\n"
											"├─b─╮\n"
											"├─c─┤\n"
											"╰─d─┤\n"
											"e───╯\n");
	assert_string_equal(drawn(graph, false), "a\n"
											 "+-b-.\n"
											 "+-c-+\n"
											 "`-d-+\n"
											 "e---'\n");
}

static void
a_join_that_forks_comes_home(void **state)
{
	assert_string_equal(drawn("a\nba\nca\ndbc\nebc\n", true), "a\n"
															  "├─b─╮\n"
															  "╰─c─┤\n"
															  "╭───╯\n"
															  "├─d\n"
															  "╰─e\n");
}

static void
branches_stay_together(void **state)
{
	assert_string_equal(drawn("a\nba\ncb\nda\ned\nfce\n", true), "a\n"
																 "├─b\n"
																 "│ │\n"
																 "│ c─╮\n"
																 "╰─d │\n"
																 "  │ │\n"
																 "  e─┤\n"
																 "f───╯\n");
}

static void
a_short_branch_leaves_the_main_line_straight(void **state)
{
	assert_string_equal(drawn("a\nba\nca\ndc\nec\nfe\n", true), "a\n"
																"├─b\n"
																"c\n"
																"├─d\n"
																"e\n"
																"│\n"
																"f\n");
}

static void
a_lane_passes_behind_another(void **state)
{
	assert_string_equal(drawn("a\nb\nc\ndab\nebc\nfde\n", true), "a─╮\n"
																 "b─┼─╮\n"
																 "d─╯ │\n"
																 "╰─╮ │\n"
																 "c─│─┤\n"
																 "  │ e\n"
																 "  ├─╯\n"
																 "f─╯\n");
}

static void
parts_are_apart_and_single_tasks_are_not(void **state)
{
	assert_string_equal(drawn("a\nb\nc\ndc\n", true), "a\n"
													  "b\n"
													  "\n"
													  "c\n"
													  "│\n"
													  "d\n");
}

static void
what_follows_from_others_is_not_drawn(void **state)
{
	assert_string_equal(drawn("a\nba\ncab\n", true), drawn("a\nba\ncb\n", true));
}

static void
nothing_is_nothing(void **state)
{
	assert_string_equal(drawn("", true), "");
}

static void
cycles_and_giants_are_refused(void **state)
{
	static const int on[] = {1, 0};
	EtlGraphTask cycle[] = {{1, &on[0]}, {1, &on[1]}};
	EtlGraphTask *giant = palloc0((ETL_GRAPH_MAX_TASKS + 1) * sizeof(EtlGraphTask));
	EtlGraphOrder order;
	EtlError error;

	assert_false(graph_order_make(cycle, 2, &order, &error));
	assert_int_equal(error.sqlstate, ERRCODE_DATA_CORRUPTED);
	assert_false(graph_order_make(giant, ETL_GRAPH_MAX_TASKS + 1, &order, &error));
	assert_int_equal(error.sqlstate, ERRCODE_PROGRAM_LIMIT_EXCEEDED);
}

/*
 * A drawing, read back: what runs down without a break is one net, and tasks are at the nets that they are right above
 * or below, or that their horizontal lines meet. A lane is right if what feeds it and what hangs from it are at one
 * net, and nothing else is.
 */
#define UP 1
#define DOWN 2
#define LEFT 4
#define RIGHT 8
#define MAX_LINES 200
#define MAX_COLUMNS 100
#define MAX_TASKS 24

typedef struct Plan
{
	int line_count;
	int lines[MAX_LINES + 1][MAX_COLUMNS]; /* UP … RIGHT of a line; -1 - task for a task */
	bool goes_on[MAX_LINES + 1][MAX_COLUMNS];
	int net[MAX_LINES * MAX_COLUMNS];
	bool is_at[MAX_TASKS][MAX_LINES * MAX_COLUMNS]; /* before nets are joined to one */
} Plan;

static Plan plan;

static int
find_net(int l, int c)
{
	int cell = l * MAX_COLUMNS + c;

	while (plan.net[cell] != cell)
		cell = plan.net[cell] = plan.net[plan.net[cell]];
	return cell;
}

/* Lines of the box-drawing character at `at`; -1: it is none. */
static int
lines_of(const char *at)
{
	static const char *const characters[16] = {" ", "╵", "╷", "│", "╴", "╯", "╮", "┤",
											   "╶", "╰", "╭", "├", "─", "┴", "┬", "┼"};

	for (int i = 0; i < 16; i++)
		if (strncmp(at, characters[i], strlen(characters[i])) == 0)
			return i;
	return -1;
}

static void
read_drawing(const EtlGraphDrawing *drawing)
{
	memset(&plan, 0, sizeof(plan));
	plan.line_count = drawing->line_count;
	assert_true(drawing->line_count < MAX_LINES && drawing->width < 2 * MAX_COLUMNS - 2);
	for (int l = 0; l < drawing->line_count; l++)
	{
		int column = 0;

		for (const char *at = drawing->lines[l].lanes; *at != '\0'; column++)
		{
			int lines = lines_of(at);

			if (column % 2 == 0)
				plan.lines[l][column / 2] = lines < 0 ? -1 - drawing->lines[l].task : lines;
			else
			{
				assert_true(lines == 0 || lines == (LEFT | RIGHT));
				plan.goes_on[l][column / 2] = lines != 0;
			}
			at += (unsigned char) *at >= 0xe0 ? 3 : 1;
		}
	}
}

static bool
has(int l, int c, int direction)
{
	return l >= 0 && plan.lines[l][c] > 0 && (plan.lines[l][c] & direction) != 0;
}

static bool
is_task(int l, int c)
{
	return l >= 0 && plan.lines[l][c] < 0;
}

/* Lines end in no air: each end meets another, or a task. */
static void
check_ends(int l, int c)
{
	bool from_left = c > 0 && plan.goes_on[l][c - 1];
	bool passes_behind = plan.lines[l][c] == (UP | DOWN) && from_left && plan.goes_on[l][c];

	if (is_task(l, c))
		return;
	assert_int_equal(has(l, c, LEFT), from_left && !passes_behind);
	assert_int_equal(has(l, c, RIGHT), plan.goes_on[l][c] && !passes_behind);
	if (has(l, c, UP))
		assert_true(has(l - 1, c, DOWN) || is_task(l - 1, c));
	if (has(l, c, DOWN))
		assert_true(has(l + 1, c, UP) || is_task(l + 1, c));
}

static void
join_down(int l, int c)
{
	if (has(l, c, DOWN) && has(l + 1, c, UP))
		plan.net[find_net(l, c)] = find_net(l + 1, c);
	if (is_task(l, c) && has(l - 1, c, DOWN))
		plan.is_at[-1 - plan.lines[l][c]][(l - 1) * MAX_COLUMNS + c] = true;
	if (is_task(l, c) && has(l + 1, c, UP))
		plan.is_at[-1 - plan.lines[l][c]][(l + 1) * MAX_COLUMNS + c] = true;
}

/* A horizontal line is that of the task in it, or right above an end of it; else it moves a net. */
static void
join_across(int l, int from, int to)
{
	int task = -1;
	int moved = -1;

	for (int c = from; c <= to; c++)
		if (is_task(l, c))
			task = -1 - plan.lines[l][c];
	for (int c = from; c <= to && task < 0; c++)
		if (has(l, c, UP) && is_task(l - 1, c) && plan.lines[l][c] != (UP | DOWN))
			task = -1 - plan.lines[l - 1][c];
	for (int c = from; c <= to; c++)
	{
		if (!has(l, c, LEFT | RIGHT) || !has(l, c, UP | DOWN))
			continue;
		if (task >= 0)
			plan.is_at[task][l * MAX_COLUMNS + c] = true;
		else if (moved >= 0)
			plan.net[find_net(l, moved)] = find_net(l, c);
		moved = c;
	}
}

static void
join_plan(void)
{
	memset(plan.is_at, 0, sizeof(plan.is_at));
	for (int cell = 0; cell < lengthof(plan.net); cell++)
		plan.net[cell] = cell;
	for (int l = 0; l < plan.line_count; l++)
		for (int c = 0, from = 0; c < MAX_COLUMNS; c++)
		{
			check_ends(l, c);
			join_down(l, c);
			if (!plan.goes_on[l][c])
			{
				if (c > from)
					join_across(l, from, c);
				from = c + 1;
			}
		}
}

static bool
is_at(int task, int net)
{
	for (int cell = 0; cell < plan.line_count * MAX_COLUMNS; cell++)
		if (plan.is_at[task][cell] && find_net(cell / MAX_COLUMNS, cell % MAX_COLUMNS) == net)
			return true;
	return false;
}

/* What is at the net: all of the lane, and nothing else? */
static bool
is_net_of_lane(const EtlGraphOrder *order, const EtlGraphLane *lane, int net)
{
	int count = 0;

	for (int task = 0; task < order->count; task++)
		count += is_at(task, net);
	if (count != lane->member_count + lane->child_count)
		return false;
	for (int m = 0; m < lane->member_count; m++)
		if (!is_at(lane->members[m], net))
			return false;
	for (int c = 0; c < lane->child_count; c++)
		if (!is_at(lane->children[c], net))
			return false;
	return true;
}

static void
check_lanes(const EtlGraphOrder *order)
{
	join_plan();
	for (int i = 0; i < order->lane_count; i++)
	{
		const EtlGraphLane *lane = &order->lanes[i];
		bool found = false;

		for (int cell = 0; cell < plan.line_count * MAX_COLUMNS && !found; cell++)
			found = plan.is_at[lane->members[0]][cell] &&
					is_net_of_lane(order, lane, find_net(cell / MAX_COLUMNS, cell % MAX_COLUMNS));
		assert_true(found);
	}
}

/* Whatever the graph, every task is drawn once, after what it depends on, and at its lanes. */
static void
any_graph_is_drawn(void **state)
{
	uint32 random = 1;

	for (int round = 0; round < 1000; round++)
	{
		EtlGraphTask tasks[MAX_TASKS] = {0};
		int dependencies[MAX_TASKS][MAX_TASKS];
		const char *marks[MAX_TASKS];
		bool seen[MAX_TASKS] = {false};
		int count = 1 + round % MAX_TASKS;
		EtlGraphOrder order;
		EtlGraphDrawing drawing;
		EtlError error;
		int tasks_drawn = 0;

		for (int i = 0; i < count; i++)
		{
			marks[i] = "*";
			tasks[i].dependencies = dependencies[i];
			for (int d = 0; d < i; d++)
			{
				random = random * 1664525 + 1013904223;
				if ((random >> 16) % 100 < 5 + round % 30)
					dependencies[i][tasks[i].dependency_count++] = d;
			}
		}
		assert_true(graph_order_make(tasks, count, &order, &error));
		graph_draw(&order, marks, true, &drawing);
		assert_in_range(drawing.line_count, count, 4 * count);
		for (int l = 0; l < drawing.line_count; l++)
		{
			int task = drawing.lines[l].task;

			if (task < 0)
				continue;
			assert_false(seen[task]);
			seen[task] = true;
			tasks_drawn++;
			for (int d = 0; d < tasks[task].dependency_count; d++)
				assert_true(seen[tasks[task].dependencies[d]]);
		}
		assert_int_equal(tasks_drawn, count);
		read_drawing(&drawing);
		check_lanes(&order);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_is_a_line),
		cmocka_unit_test(a_fork_and_its_join_are_two_lanes),
		cmocka_unit_test(a_join_that_forks_comes_home),
		cmocka_unit_test(branches_stay_together),
		cmocka_unit_test(a_short_branch_leaves_the_main_line_straight),
		cmocka_unit_test(a_lane_passes_behind_another),
		cmocka_unit_test(parts_are_apart_and_single_tasks_are_not),
		cmocka_unit_test(what_follows_from_others_is_not_drawn),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(cycles_and_giants_are_refused),
		cmocka_unit_test(any_graph_is_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
