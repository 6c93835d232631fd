/*
 * heap_test.c
 *		The pairing heap in an array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "flow/heap.h"

#include <cmocka.h>

#define COUNT 2000

typedef struct Item
{
	EtlHeapNode node;
	int key;
} Item;

static Item items[COUNT];

static bool
smaller(int a, int b, const void *arg)
{
	return items[a].key < items[b].key || (items[a].key == items[b].key && a < b);
}

static const EtlHeapArray array = {items, sizeof(Item), smaller, NULL};

static void
comes_out_in_order(void **state)
{
	int root = ETL_HEAP_EMPTY;
	int last = -1;

	srand(1);
	for (int i = 0; i < COUNT; i++)
	{
		items[i].key = rand() % 100;
		root = heap_add(&array, root, i);
	}
	for (int i = 0; i < COUNT; i++)
	{
		if (last >= 0)
			assert_true(smaller(last, root, NULL));
		last = root;
		root = heap_remove_first(&array, root);
	}
	assert_int_equal(root, ETL_HEAP_EMPTY);
}

static void
equal_keys_keep_their_order(void **state)
{
	int root = ETL_HEAP_EMPTY;

	for (int i = 0; i < COUNT; i++)
	{
		items[i].key = 0;
		root = heap_add(&array, root, i);
	}
	for (int i = 0; i < COUNT; i++)
	{
		assert_int_equal(root, i);
		root = heap_remove_first(&array, root);
	}
}

static void
adding_and_removing_mixed(void **state)
{
	int root = ETL_HEAP_EMPTY;
	int there = 0;
	bool in[COUNT] = {false};

	srand(2);
	for (int turn = 0; turn < 100000; turn++)
	{
		int i = rand() % COUNT;

		if (!in[i])
		{
			items[i].key = rand() % 50;
			root = heap_add(&array, root, i);
			in[i] = true;
			there++;
		}
		else
		{
			int first = root;

			for (int j = 0; j < COUNT; j += 97)
				if (in[j] && j != first)
					assert_true(smaller(first, j, NULL));
			root = heap_remove_first(&array, root);
			in[first] = false;
			there--;
		}
	}
	while (there-- > 0)
		root = heap_remove_first(&array, root);
	assert_int_equal(root, ETL_HEAP_EMPTY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out_in_order),
		cmocka_unit_test(equal_keys_keep_their_order),
		cmocka_unit_test(adding_and_removing_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
