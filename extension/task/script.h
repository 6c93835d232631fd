/*
 * script.h
 *		A script: its statements, with their parameters put in, run one by one here or on a warehouse.
 */
#ifndef ETL_TASK_SCRIPT_H
#define ETL_TASK_SCRIPT_H

#include "postgres.h"

#include "remote/warehouse.h"
#include "task/parameters.h"
#include "tcop/dest.h"

typedef struct EtlScriptSource
{
	const char *text;
	const char *name; /* for errors: the URI it comes from; NULL: none */
	/* Written for another runner: ${name} and <name> are parameters too. */
	bool text_parameters;
	EtlParameters parameters;
} EtlScriptSource;

typedef struct EtlScriptOutcome
{
	int statements;
	int64 rows; /* affected or returned, over all statements */
} EtlScriptOutcome;

/*
 * Run it here, translated, as the current user, with schema redshift at the end of the search_path. It is one
 * transaction, the caller's. Unless `atomic`, COMMIT and ROLLBACK in the middle of it end that and start another;
 * otherwise they are an error (2D000). Rows of queries go to `rows`; NULL: nowhere.
 */
extern EtlScriptOutcome script_run_here(const EtlScriptSource *source, bool atomic, DestReceiver *rows);

/* Run it on a warehouse, each statement by itself unless the script has BEGIN and COMMIT. */
extern EtlScriptOutcome script_run_on(EtlWarehouse *warehouse, const EtlScriptSource *source);

/*
 * The same without waiting (base/wait.h), on a warehouse that is being connected. All of it lives in the current context,
 * and the source must stay as it is.
 */
typedef struct EtlScriptRun EtlScriptRun;
extern EtlScriptRun *script_start_on(EtlWarehouse *warehouse, const EtlScriptSource *source);
extern bool script_poll(EtlScriptRun *run, EtlWait *wait, EtlScriptOutcome *outcome);

/* The text of the script at s3://…: UTF-8, at most 16 MB, in the database's encoding. In a transaction. */
extern char *script_fetch(const char *uri);

/* The form that doesn't wait (base/wait.h): start it in a transaction, then poll until there is a text. */
typedef struct EtlScriptFetch EtlScriptFetch;
extern EtlScriptFetch *script_fetch_start(const char *uri);
extern char *script_fetch_poll(EtlScriptFetch *fetch, EtlWait *wait);

#endif
