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

/* Whatever the graph, every task is drawn once, after what it depends on, and no more than four lines are used. */
static void
any_graph_is_drawn(void **state)
{
	uint32 random = 1;

	for (int round = 0; round < 2000; round++)
	{
		EtlGraphTask tasks[40] = {0};
		int dependencies[40][40];
		const char *marks[40];
		bool seen[40] = {false};
		int count = 1 + round % 40;
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
