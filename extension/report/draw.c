/*
 * draw.c
 *		Draws lanes. See draw.h.
 *
 * The pen knows which lane is in which column now, and draws downwards. A line is a row of cells, each with the
 * directions in which lines leave it, and between neighbouring cells a horizontal line or none; which character
 * that is comes last. Columns are two characters apart.
 *
 * A task is put
 *   - right under its lane, when it is the only thing that hangs there or the one that the others are short beside;
 *   - to the right of its lane otherwise, with the lane going on for what else hangs there;
 *   - to the left of its lane, when that is a join which can come home to free columns.
 * It feeds lanes to its right in its own line. What can't be said there without doubt about who feeds whom takes a
 * line of its own below it.
 */
#include "report/draw.h"

#define UP 1
#define DOWN 2
#define LEFT 4
#define RIGHT 8

#define FREE (-1) /* no lane in this column */

typedef struct Cell
{
	int lines;	   /* UP | DOWN | LEFT | RIGHT */
	int task;	   /* -1: none */
	bool goes_on;  /* a horizontal line to the next cell */
} Cell;

typedef struct Pen
{
	const EtlGraphOrder *order;
	const char *const *marks;
	bool box;
	EtlGraphDrawing *drawing;
	int *columns; /* lane in each column, or FREE */
	int *column_of; /* of each lane; -1: not begun */
	int *remaining; /* tasks that hang from each lane and are not drawn */
	Cell *cells;	/* the line being drawn */
	int column_count; /* room in columns and cells */
	int last_node; /* column of the task in the line before; -1: none */
} Pen;

static const char *const box_characters[16] = {" ", "╵", "╷", "│", "╴", "╯", "╮", "┤",
											   "╶", "╰", "╭", "├", "─", "┴", "┬", "┼"};
static const char *const ascii_characters[16] = {" ", "'", ".", "|", "-", "'", ".", "+",
												 "-", "`", ".", "+", "-", "+", "+", "+"};

/* Begin a line: the lanes that are there go straight through it. */
static void
begin_line(Pen *pen)
{
	for (int c = 0; c < pen->column_count; c++)
		pen->cells[c] = (Cell){.lines = pen->columns[c] == FREE ? 0 : UP | DOWN, .task = -1};
}

/* A horizontal line from one column to another. Lanes between them are passed behind. */
static void
draw_across(Pen *pen, int from, int to)
{
	int left = Min(from, to);
	int right = Max(from, to);

	pen->cells[left].lines |= RIGHT;
	pen->cells[right].lines |= LEFT;
	for (int c = left; c < right; c++)
	{
		pen->cells[c].goes_on = true;
		if (c > left && (pen->cells[c].lines & (UP | DOWN)) == 0)
			pen->cells[c].lines |= LEFT | RIGHT;
	}
}

static void
end_line(Pen *pen)
{
	EtlGraphDrawing *drawing = pen->drawing;
	EtlGraphLine line = {.task = -1};
	StringInfoData text;
	int used = 0;

	for (int c = 0; c < pen->column_count; c++)
		if (pen->cells[c].lines != 0 || pen->cells[c].task >= 0)
			used = c + 1;
	initStringInfo(&text);
	pen->last_node = -1;
	for (int c = 0; c < used; c++)
	{
		const Cell *cell = &pen->cells[c];

		if (cell->task >= 0)
		{
			line.task = cell->task;
			pen->last_node = c;
			appendStringInfoString(&text, pen->marks[cell->task]);
		}
		else
			appendStringInfoString(&text, (pen->box ? box_characters : ascii_characters)[cell->lines]);
		if (c < used - 1)
			appendStringInfoString(&text, !cell->goes_on ? " " : pen->box ? "─" : "-");
	}
	line.lanes = text.data;
	line.width = used > 0 ? 2 * used - 1 : 0;
	drawing->lines[drawing->line_count++] = line;
	drawing->width = Max(drawing->width, line.width);
}

static int
free_column(const Pen *pen, int from)
{
	int c = from;

	while (pen->columns[c] != FREE)
		c++;
	return c;
}

/* The column furthest to the left that a line from column `from` reaches through free columns only. */
static int
home_column(const Pen *pen, int from)
{
	int c = from;

	while (c > 0 && pen->columns[c - 1] == FREE)
		c--;
	return c;
}

static void
set_lane(Pen *pen, int lane, int column)
{
	if (pen->column_of[lane] >= 0)
		pen->columns[pen->column_of[lane]] = FREE;
	pen->columns[column] = lane;
	pen->column_of[lane] = column;
}

/* A join from which several tasks hang first comes home, so that they are drawn as any other fork. */
static void
bring_home(Pen *pen, int lane)
{
	int from = pen->column_of[lane];
	int to = home_column(pen, from);

	if (to == from)
		return;
	begin_line(pen);
	pen->cells[from].lines = UP;
	pen->cells[to].lines = DOWN;
	draw_across(pen, from, to);
	set_lane(pen, lane, to);
	end_line(pen);
}

/* The lane that begins right under this task: the one that it alone feeds. -1: none. */
static int
own_lane(const Pen *pen, const EtlGraphNode *node)
{
	for (int f = 0; f < node->feed_count; f++)
		if (pen->order->lanes[node->feeds[f]].member_count == 1)
			return node->feeds[f];
	return -1;
}

/*
 * A line from the task at `column` to the lanes it feeds, in the line being drawn. Lanes that begin here get the next
 * free column to the right.
 */
static void
draw_feeds(Pen *pen, const EtlGraphNode *node, int column)
{
	int own = own_lane(pen, node);
	int leftmost = column;
	int rightmost = column;

	for (int f = 0; f < node->feed_count; f++)
	{
		int lane = node->feeds[f];

		if (lane == own)
			continue;
		if (pen->column_of[lane] < 0)
		{
			set_lane(pen, lane, free_column(pen, column + 1));
			pen->cells[pen->column_of[lane]].lines = DOWN;
		}
		leftmost = Min(leftmost, pen->column_of[lane]);
		rightmost = Max(rightmost, pen->column_of[lane]);
	}
	if (leftmost < column)
		draw_across(pen, column, leftmost);
	if (rightmost > column)
		draw_across(pen, column, rightmost);
	for (int f = 0; f < node->feed_count; f++)
	{
		int at = pen->column_of[node->feeds[f]];

		if (node->feeds[f] != own)
			pen->cells[at].lines |= (at > leftmost ? LEFT : 0) | (at < rightmost ? RIGHT : 0);
	}
}

/* Feeding in the task's own line is clear only to the right, and only if the task doesn't hang from there. */
static bool
feeds_fit_in_line(const Pen *pen, const EtlGraphNode *node, int column, bool from_right)
{
	int own = own_lane(pen, node);

	for (int f = 0; f < node->feed_count; f++)
	{
		int lane = node->feeds[f];

		if (lane != own && (from_right || (pen->column_of[lane] >= 0 && pen->column_of[lane] < column)))
			return false;
	}
	return true;
}

/* Where a task goes that hangs from a lane: in the lane's own column only if it is the last to hang there. */
static int
hanging_column(const Pen *pen, int task)
{
	const EtlGraphNode *nodes = pen->order->nodes;
	const EtlGraphLane *lane = &pen->order->lanes[nodes[task].lane];
	int lane_column = pen->column_of[nodes[task].lane];

	if (lane->child_count == 1)
		return lane->member_count == 1 ? lane_column : home_column(pen, lane_column);
	if (pen->remaining[nodes[task].lane] == 1 &&
		nodes[task].height > nodes[lane->children[lane->child_count - 2]].height)
		return lane_column;
	return free_column(pen, lane_column + 1);
}

/* Draw the lane's way to its task at `column` in the line being drawn. */
static void
draw_hanging(Pen *pen, int lane, int column)
{
	int lane_column = pen->column_of[lane];

	if (--pen->remaining[lane] == 0)
	{
		pen->cells[lane_column].lines = UP;
		pen->columns[lane_column] = FREE;
	}
	if (column != lane_column)
		draw_across(pen, lane_column, column);
}

/* A line that goes on with what is there: blank where nothing is. */
static void
draw_space(Pen *pen)
{
	begin_line(pen);
	end_line(pen);
}

static void
draw_task(Pen *pen, int task)
{
	const EtlGraphNode *node = &pen->order->nodes[task];
	int own = own_lane(pen, node);
	int column;
	bool from_right = false;
	bool fit;

	if (node->lane < 0)
	{
		column = free_column(pen, 0);
		begin_line(pen);
	}
	else
	{
		const EtlGraphLane *lane = &pen->order->lanes[node->lane];

		if (lane->member_count > 1 && lane->child_count > 1 && pen->remaining[node->lane] == lane->child_count)
			bring_home(pen, node->lane);
		column = hanging_column(pen, task);
		from_right = column < pen->column_of[node->lane];
		if (column == pen->column_of[node->lane] && column == pen->last_node)
			draw_space(pen); /* a line between two tasks says that they belong together */
		begin_line(pen);
		draw_hanging(pen, node->lane, column);
	}
	pen->cells[column].task = task;
	fit = feeds_fit_in_line(pen, node, column, from_right);
	if (own >= 0)
		set_lane(pen, own, column);
	if (!fit)
	{
		end_line(pen);
		begin_line(pen);
		pen->cells[column].lines = UP | (own >= 0 ? DOWN : 0);
	}
	draw_feeds(pen, node, column);
	end_line(pen);
}

static bool
is_alone(const EtlGraphNode *node)
{
	return node->lane < 0 && node->feed_count == 0;
}

/* A blank line between parts that are not connected, but for tasks without any connection. */
static bool
begins_part(const EtlGraphOrder *order, int at)
{
	const EtlGraphNode *node = &order->nodes[order->sequence[at]];
	const EtlGraphNode *before = &order->nodes[order->sequence[Max(at - 1, 0)]];

	return node->component != before->component && !(is_alone(node) && is_alone(before));
}

void
graph_draw(const EtlGraphOrder *order, const char *const *marks, bool box, EtlGraphDrawing *drawing)
{
	/* Only a lane that begins can go further to the right, by its own column and that of the task that feeds it. */
	int column_count = 2 * order->lane_count + 3;
	Pen pen = {.order = order, .marks = marks, .box = box, .drawing = drawing, .column_count = column_count,
			   .last_node = -1};

	*drawing = (EtlGraphDrawing){0};
	/* a task takes at most four lines: a blank one, one that connects it, its own, and one for what it feeds */
	drawing->lines = palloc(sizeof(EtlGraphLine) * (4 * order->count + 1));
	pen.columns = palloc(sizeof(int) * column_count);
	pen.cells = palloc(sizeof(Cell) * column_count);
	pen.column_of = palloc(sizeof(int) * Max(order->lane_count, 1));
	pen.remaining = palloc(sizeof(int) * Max(order->lane_count, 1));
	for (int c = 0; c < column_count; c++)
		pen.columns[c] = FREE;
	for (int l = 0; l < order->lane_count; l++)
	{
		pen.column_of[l] = -1;
		pen.remaining[l] = order->lanes[l].child_count;
	}
	for (int i = 0; i < order->count; i++)
	{
		if (begins_part(order, i))
			draw_space(&pen);
		draw_task(&pen, order->sequence[i]);
	}
}
