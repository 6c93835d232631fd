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

/*
 * In a background worker, once it is connected: its transactions are read committed and may write, whatever the role
 * or the database has for a default. Bookkeeping depends on that; what a step is to have is the step's business.
 */
extern void etl_transaction_set_defaults(void);

extern void etl_transaction_enter(EtlTransaction *transaction);
extern void etl_transaction_leave(EtlTransaction *transaction);

/*
 * In a background worker, with no transaction open: do `work`, which opens and closes its own. Returns 0, or the
 * SQLSTATE of an error, which is rolled back and logged (but for a lock that was waited for in vain, which is no fault).
 */
extern int etl_transaction_guard(void (*work)(void *arg), void *arg);

#endif
