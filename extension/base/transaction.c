/*
 * transaction.c
 *		Short transactions around catalog access. See transaction.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/transaction.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

void
etl_transaction_set_defaults(void)
{
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_SESSION);
	/* 17: it would end the process, not the step */
	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		SetConfigOption("transaction_timeout", "0", PGC_USERSET, PGC_S_SESSION);
}

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

int
etl_transaction_guard(void (*work)(void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	volatile int sqlstate = 0;

	PG_TRY();
	{
		work(arg);
	}
	PG_CATCH();
	{
		sqlstate = geterrcode();
		HOLD_INTERRUPTS();
		if (sqlstate != ERRCODE_LOCK_NOT_AVAILABLE)
			EmitErrorReport();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return sqlstate;
}
