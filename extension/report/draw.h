/*
 * draw.h
 *		Draws a graph of tasks as lanes of box-drawing characters, a line a task. Pure.
 *
 *		●        extract
 *		├─●─╮    load_a
 *		├─●─┤    load_b
 *		╰─●─┤    load_c
 *		●───╯    report
 *
 * Time runs down. A task hangs from what is drawn to its left or right, or from a line right above it; two tasks
 * right above one another have nothing to do with each other. A line that is broken by another (─│─) passes
 * behind it.
 */
#ifndef ETL_REPORT_DRAW_H
#define ETL_REPORT_DRAW_H

#include "report/order.h"

typedef struct EtlGraphLine
{
	int task;	 /* position of the task it shows; -1: lanes only */
	char *lanes; /* the drawing, without trailing blanks */
	int width;	 /* its width in columns of the terminal */
} EtlGraphLine;

typedef struct EtlGraphDrawing
{
	int line_count;
	EtlGraphLine *lines;
	int width; /* the widest line's */
} EtlGraphDrawing;

/* marks[i] shows task i: a string one column wide. box: with box-drawing characters (UTF-8), else in ASCII. */
extern void graph_draw(const EtlGraphOrder *order, const char *const *marks, bool box, EtlGraphDrawing *drawing);

#endif
