/*
 * transaction.c
 *		Short transactions around catalog access. See transaction.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/transaction.h"
#include "utils/memutils.h"

void
etl_transaction_enter(EtlTransaction *transaction)
{
	transaction->context = CurrentMemoryContext;
	transaction->opened = !IsTransactionState();
	if (transaction->opened)
		StartTransactionCommand();
	MemoryContextSwitchTo(transaction->context);
}

void
etl_transaction_leave(EtlTransaction *transaction)
{
	if (transaction->opened)
		CommitTransactionCommand();
	MemoryContextSwitchTo(transaction->context);
}
