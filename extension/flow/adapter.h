/*
 * adapter.h
 *		What a step does: the adapters that task/ registers with the engine.
 *
 * The engine knows when a step runs, as whom, and what becomes of its result; it does not know what SQL, a Glue job
 * or SNS is. A step is a statement (here, or on a connection) or a resource with arguments; each has one adapter.
 *
 * An adapter with a `run` is transactional: it runs inside the step's own transaction, so its effect and its record commit
 * together: exactly once. One with a `start` is external: it works at least once, with the idempotency key to tell a
 * repetition, in the remote executor, which is at a thousand steps at a time. It never waits and runs no SQL of the step's
 * author here.
 */
#ifndef ETL_FLOW_ADAPTER_H
#define ETL_FLOW_ADAPTER_H

#include "postgres.h"

#include "base/wait.h"
#include "datatype/timestamp.h"
#include "utils/jsonb.h"

/* What an adapter is told. Strings are valid for the whole step. */
typedef struct EtlStep
{
	int64 run_id;
	int64 task_run_id;
	const char *workflow;
	const char *run_name;		 /* NULL: none */
	const char *scheduled_for;	 /* the moment of the schedule it is about, in UTC; NULL: none */
	const char *task;
	int item;					 /* of a task with for_each: 1, 2, …; 0: the task itself */
	int attempt;				 /* 1, 2, … */
	const char *idempotency_key; /* the same for every attempt of this step that may have reached the other side; of one
								  * that is run by a transactional adapter NULL: it reaches none */
	const char *sql;			 /* a statement, or NULL */
	const char *connection;		 /* etl_warehouse server, or NULL for here */
	const char *resource;		 /* resource ARN, or NULL */
	Jsonb *arguments;			 /* the resource's; NULL for a statement */
	Jsonb *input;				 /* the run's input: parameters */
	Jsonb *item_parameters;		 /* over the input; NULL: none */
	bool is_notification;		 /* not one of the workflow's own steps: its arguments have no parameters in them */
	const char *task_token;		 /* somebody else ends the step with it; NULL: it ends with its call */
} EtlStep;

/* What an adapter answers when it succeeds. A failure is raised: ereport(ERROR) with everything it knows. */
typedef struct EtlStepResult
{
	Jsonb *output; /* NULL: none. In the context that was current when the adapter was called. */
	int64 rows;	   /* affected; -1: has none */
	int64 child_run_id; /* the run whose end is the step's, as child_start says; 0: it ends with its call */
} EtlStepResult;

typedef struct EtlAdapter
{
	const char *resource; /* the ARN it serves; NULL: a statement here (see on_connection) */
	bool (*serves)(const char *resource); /* it serves more than one: whether this; `resource` says to people what. NULL: one */
	bool on_connection;	  /* with resource NULL: a statement on a connection */
	bool json_output; /* the output of a run it waits for is JSON, not a string of it */
	void (*run)(const EtlStep *step, EtlStepResult *result);

	/*
	 * Look up what is in the catalogs, in a transaction and with the rights of the step's owner, who may be superuser or not.
	 * Answers a job, which lives in the current context, as everything the step makes: it goes when the step ends.
	 */
	void *(*start)(const EtlStep *step);
	/* With no transaction open: do what can be done at once. False: not through yet, `wait` says what it waits for. */
	bool (*poll)(void *job, EtlWait *wait, EtlStepResult *result);
	/* Nobody wants it any more, after an error of its own or without one. Never raises, and waits for nothing. */
	void (*abandon)(void *job);
} EtlAdapter;

/*
 * What many jobs wait for together, and say so by a flag (base/wait.h): the HTTP client's transfers. A descriptor that is
 * readable when there is something to be done for them, when it is so in any case (-1: not by the clock), and the work, which
 * never waits.
 */
typedef struct EtlEventSource
{
	int (*descriptor)(void);
	int64 (*due_ms)(void);
	void (*drive)(void);
} EtlEventSource;

/* Called from task_init. There is one. */
extern void flow_event_source_register(const EtlEventSource *source);
extern const EtlEventSource *flow_event_source(void);

/*
 * What a database's scheduler does for another room: called when the scheduler is woken, and when it said to be. It
 * waits for nobody. Returns when to be called next; DT_NOEND: when the scheduler is woken. In no transaction.
 */
typedef TimestampTz (*EtlChore)(void);

/* Called from task_init. There is one. */
extern void flow_chore_register(EtlChore chore);
extern EtlChore flow_chore(void); /* NULL: none */

/* Whether a task's condition, SQL of its author, is true. In the step's transaction, as its owner; may raise. */
typedef bool (*EtlConditionTest)(const EtlStep *step, const char *condition);

/* Called from task_init. */
extern void flow_condition_register(EtlConditionTest test);
extern EtlConditionTest flow_condition_test(void);

/*
 * Run a task's for_each, a query of its author, and hand over its rows, each as a JSON object that is valid until
 * `visit` returns. In the step's transaction, as its owner; may raise.
 */
typedef void (*EtlItemVisit)(Jsonb *row, void *arg);
typedef void (*EtlItemQuery)(const EtlStep *step, const char *query, EtlItemVisit visit, void *arg);

/* Called from task_init. */
extern void flow_item_query_register(EtlItemQuery query);
extern EtlItemQuery flow_item_query(void);

/* Called from task_init. The struct must stay valid. */
extern void flow_adapter_register(const EtlAdapter *adapter);
/*
 * The adapter for a step, or NULL when nothing serves its resource. A resource whose name ends in .waitForTaskToken is
 * the one without, of a step that has a token.
 */
extern const EtlAdapter *flow_adapter_find(const char *resource, const char *connection);

#endif
