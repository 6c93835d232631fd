/*
 * transaction.h
 *		Catalog access for code that is called both inside a transaction (from SQL) and with none open (from an
 *		executor that must not hold one while it waits on the network).
 *
 *		EtlTransaction transaction;
 *		etl_transaction_enter(&transaction);
 *		server = aws_server_get(NULL);
 *		etl_transaction_leave(&transaction);
 *
 * With a transaction open both do nothing. Otherwise enter starts one and leave commits it. Memory comes from the
 * context that was current at enter, so what is allocated in between outlives the transaction. After an error the
 * abort of whatever transaction is open undoes it.
 */
#ifndef ETL_BASE_TRANSACTION_H
#define ETL_BASE_TRANSACTION_H

#include "postgres.h"

typedef struct EtlTransaction
{
	bool opened;
	MemoryContext context;
} EtlTransaction;

extern void etl_transaction_enter(EtlTransaction *transaction);
extern void etl_transaction_leave(EtlTransaction *transaction);

#endif
