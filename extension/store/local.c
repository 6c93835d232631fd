/*
 * local.c
 *		The local driver's table. See local.h.
 */
#include "postgres.h"

#include "store/local.h"

const EtlStoreDriver store_local_driver = {
	.name = "local",
	.list = local_list,
	.head = local_head,
	.read = local_read,
	.put = local_put,
	.remove = local_remove,
	.remove_many = local_remove_many,
	.copy = local_copy,
};
