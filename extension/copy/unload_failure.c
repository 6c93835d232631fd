/*
 * unload_failure.c
 *		Unloads that fail, and those that may yet do. See unload_failure.h.
 *
 * Those whose files aren't published are in a list that knows which subtransaction they belong to, as their files are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "copy/load_error_internal.h"
#include "copy/secrets.h"
#include "copy/unload_failure.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "store/store.h"
#include "utils/memutils.h"

typedef struct Unload
{
	dlist_node node;	   /* in expected */
	MemoryContext context; /* holds all of it */
	SubTransactionId subid;
	EtlTransfer transfer;
	EtlTransferSession session;
	List *secrets;
} Unload;

static dlist_head expected = DLIST_STATIC_INIT(expected);

static void
send_unload(EtlLoadSender *sender, const Unload *unload)
{
	StringInfoData message;

	initStringInfo(&message);
	appendStringInfoChar(&message, ETL_LOAD_MESSAGE_UNLOAD);
	load_message_put_session(&message, &unload->session);
	load_message_put_int(&message, unload->transfer.started_at);
	load_message_put_text(&message, unload->transfer.subject);
	load_message_put_transfer(&message, &unload->transfer);
	(void) load_sender_send(sender, message.data, message.len);
	pfree(message.data);
}

static void
send_all(EtlLoadSender *sender, void *arg)
{
	dlist_iter iter;

	dlist_foreach(iter, (dlist_head *) arg) send_unload(sender, dlist_container(Unload, node, iter.cur));
}

/* All of them have failed for the same reason. */
static void
write_failed(dlist_head *unloads, const char *message, bool in_haste)
{
	Unload *first = dlist_head_element(Unload, node, unloads);
	EtlLoadProblem problem;
	dlist_iter iter;

	dlist_foreach(iter, unloads)
	{
		Unload *unload = dlist_container(Unload, node, iter.cur);
		EtlTransfer *transfer = &unload->transfer;

		transfer->status = "failed";
		transfer->message = copy_secrets_blot(message, unload->secrets);
		transfer->rows = transfer->bytes = 0;
		transfer->files = 0;
		transfer->file_list = NULL;
	}
	if (!load_sender_run(send_all, unloads, in_haste, &problem))
		ereport(WARNING, errcode(problem.sqlstate),
				errmsg("the failure of the unload to \"%s\" could not be recorded", first->transfer.uri),
				errdetail("%s", problem.detail), problem.hint == NULL ? 0 : errhint("%s", problem.hint));
}

void
unload_failure_write(const EtlTransfer *transfer, const EtlTransferSession *session, const char *message, bool in_haste)
{
	Unload unload = {.transfer = *transfer, .session = *session};
	dlist_head one;

	dlist_init(&one);
	dlist_push_tail(&one, &unload.node);
	write_failed(&one, message, in_haste);
}

void
unload_failure_expect(const EtlTransfer *transfer, const EtlTransferSession *session, List *secrets)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl unload", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Unload *unload = palloc0(sizeof(Unload));
	ListCell *cell;

	unload->context = context;
	unload->subid = GetCurrentSubTransactionId();
	unload->session = *session;
	unload->session.username = pstrdup(session->username);
	unload->transfer = (EtlTransfer){.subject = pstrdup(transfer->subject),
									 .uri = pstrdup(transfer->uri),
									 .format = pstrdup(transfer->format),
									 .started_at = transfer->started_at};
	foreach (cell, secrets)
		unload->secrets = lappend(unload->secrets, pstrdup(lfirst(cell)));
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);
	dlist_push_tail(&expected, &unload->node);
}

static void
drop(Unload *unload)
{
	dlist_delete(&unload->node);
	MemoryContextDelete(unload->context);
}

static void
drop_all(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &expected) drop(dlist_container(Unload, node, iter.cur));
}

/* Of all files that are staged, also those of outer subtransactions: what publishes before the commit does so for a whole step. */
static void
unloads_published(const ErrorData *error)
{
	if (error != NULL && !dlist_is_empty(&expected))
		write_failed(&expected, error->message, error->sqlerrcode == ERRCODE_QUERY_CANCELED);
	drop_all();
}

static void
failure_xact_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT)
		drop_all();
}

static void
failure_subxact_callback(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	dlist_mutable_iter iter;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	dlist_foreach_modify(iter, &expected)
	{
		Unload *unload = dlist_container(Unload, node, iter.cur);

		if (unload->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			drop(unload);
		else
			unload->subid = parent;
	}
}

void
unload_failure_init(void)
{
	RegisterXactCallback(failure_xact_callback, NULL);
	RegisterSubXactCallback(failure_subxact_callback, NULL);
	store_published_hook = unloads_published;
}
