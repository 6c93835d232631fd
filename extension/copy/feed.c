/*
 * feed.c
 *		The records of a load's files. See feed.h.
 *
 * With a process beside it the backend does what only it can do: it gets the bytes, for which it has the credentials, and
 * puts the rows. It never waits for the one while it could do the other, so neither queue can stop both. While it waits for
 * bytes it notices when the process ends.
 */
#include "postgres.h"

#include "base/wait.h"
#include "copy/feed.h"
#include "copy/parse.h"
#include "copy/parse_worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/memutils.h"

/* Less than this isn't worth a process, which takes some milliseconds to start. */
#define PARALLEL_BYTES (4 * 1024 * 1024)
#define CHUNK_SIZE (64 * 1024)

bool load_feed_parallel = true;

/* What the backend is about to send. */
typedef enum FeedStep
{
	FEED_OPEN, /* the next file, if there is one */
	FEED_FILE,
	FEED_READ,
	FEED_BYTES,
	FEED_END,
	FEED_STOP,
	FEED_DONE
} FeedStep;

/* Counts the bytes that go through; owns nothing but its place. */
typedef struct CountedReader
{
	EtlReader base;
	EtlReader *source;
	uint64 *bytes;
} CountedReader;

struct EtlLoadFeed
{
	const EtlLoadPlan *plan;
	EtlLoadSource *source;
	EtlParseWorker *worker; /* NULL: it is done here */
	EtlLoadParser *parser;
	bool file_is_open;
	StringInfoData batch;
	CountedReader counted;
	FeedStep step;
	EtlReader *stream; /* of the file that is read */
	int file;
	int files;
	uint64 bytes;
	bool bytes_are_vain; /* the process has ended while they were waited for */
	Size chunk_len;
	char chunk[CHUNK_SIZE];
};

static size_t
counted_read(EtlReader *self, char *buf, size_t size)
{
	CountedReader *reader = (CountedReader *) self;
	size_t n = reader->source->read(reader->source, buf, size);

	*reader->bytes += n;
	return n;
}

static void
counted_close(EtlReader *self)
{
	CountedReader *reader = (CountedReader *) self;

	reader->source->close(reader->source);
}

EtlLoadFeed *
load_feed_begin(const EtlLoadPlan *plan, EtlLoadSource *source)
{
	EtlLoadFeed *feed = palloc0(sizeof(EtlLoadFeed));

	feed->plan = plan;
	feed->source = source;
	/* the server's conversion functions are in the catalogs, which the process doesn't have */
	if (load_feed_parallel && load_source_bytes(source) >= PARALLEL_BYTES && plan->options.conversion == 0)
		feed->worker = parse_worker_start(plan);
	if (feed->worker == NULL)
	{
		feed->parser = load_parser_create(plan);
		initStringInfo(&feed->batch);
	}
	return feed;
}

/* The next file; false: there is none. */
static bool
feed_open(EtlLoadFeed *feed)
{
	feed->stream = load_source_next(feed->source, &feed->file);
	return feed->stream != NULL;
}

static const EtlBatch *
next_here(EtlLoadFeed *feed)
{
	for (;;)
	{
		if (!feed->file_is_open)
		{
			if (!feed_open(feed))
				return NULL;
			feed->counted.base =
				(EtlReader){.read = counted_read, .close = counted_close, .name = feed->stream->name};
			feed->counted.source = feed->stream;
			feed->counted.bytes = &feed->bytes;
			load_parser_open(feed->parser, feed->file, &feed->counted.base);
			feed->file_is_open = true;
		}
		if (load_parser_next(feed->parser, &feed->batch))
			return (const EtlBatch *) feed->batch.data;
		feed->file_is_open = false;
		feed->files++;
	}
}

static void
feed_look(void *arg)
{
	EtlLoadFeed *feed = arg;

	if (!parse_worker_has_ended(feed->worker))
		return;
	feed->bytes_are_vain = true;
	ereport(ERROR, errcode(ERRCODE_SYSTEM_ERROR), errmsg_internal("nobody reads the load's files any more"));
}

/* What the store is asked for: the next file, or the next bytes of the one that is read. */
static void
feed_ask(EtlLoadFeed *feed)
{
	if (feed->step == FEED_OPEN)
	{
		feed->step = feed_open(feed) ? FEED_FILE : FEED_STOP;
		return;
	}
	feed->chunk_len = feed->stream->read(feed->stream, feed->chunk, CHUNK_SIZE);
	feed->bytes += feed->chunk_len;
	feed->step = feed->chunk_len > 0 ? FEED_BYTES : FEED_END;
}

/*
 * The same, for as long as there is a process to send it to. When that has ended the wait is left, and nothing is asked for any
 * more; why is not for this to say, but for the queue, in which there may be records and an error that come first. No more than
 * a wait is left by this error: there is nothing to be rolled back.
 */
static void
feed_ask_watched(EtlLoadFeed *feed)
{
	MemoryContext context = CurrentMemoryContext;
	EtlWatch outer = wait_watch;

	PG_TRY();
	{
		wait_watch = (EtlWatch){.look = feed_look, .arg = feed};
		feed_ask(feed);
		wait_watch = outer;
	}
	PG_CATCH();
	{
		wait_watch = outer;
		if (!feed->bytes_are_vain)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		feed->step = FEED_DONE;
	}
	PG_END_TRY();
}

/* Whether there was something to do, and room for it. */
static bool
feed_send(EtlLoadFeed *feed)
{
	switch (feed->step)
	{
		case FEED_OPEN:
		case FEED_READ:
			feed_ask_watched(feed);
			return feed->step != FEED_DONE;
		case FEED_FILE:
			if (!parse_worker_send_file(feed->worker, feed->file, feed->stream->name))
				return false;
			feed->step = FEED_READ;
			return true;
		case FEED_BYTES:
			if (!parse_worker_send_bytes(feed->worker, feed->chunk, feed->chunk_len))
				return false;
			feed->step = FEED_READ;
			return true;
		case FEED_END:
			if (!parse_worker_send_end(feed->worker))
				return false;
			feed->stream->close(feed->stream);
			feed->files++;
			feed->step = FEED_OPEN;
			return true;
		case FEED_STOP:
			if (!parse_worker_send_stop(feed->worker))
				return false;
			feed->step = FEED_DONE;
			return true;
		case FEED_DONE:
			return false;
	}
	return false;
}

static const EtlBatch *
next_from_worker(EtlLoadFeed *feed)
{
	const EtlBatch *batch;

	for (;;)
	{
		bool sent = feed_send(feed);

		/* as much is sent as there is room for: then the process has something to do while rows are put here */
		while (sent && feed->step != FEED_READ)
			sent = feed_send(feed);
		switch (parse_worker_receive(feed->worker, &batch))
		{
			case ETL_PARSE_BATCH:
				return batch;
			case ETL_PARSE_STOPPED:
				return NULL;
			case ETL_PARSE_NOTHING:
				break;
		}
		if (sent)
			continue;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

const EtlBatch *
load_feed_next(EtlLoadFeed *feed)
{
	CHECK_FOR_INTERRUPTS();
	return feed->worker == NULL ? next_here(feed) : next_from_worker(feed);
}

void
load_feed_end(EtlLoadFeed *feed)
{
	if (feed->worker != NULL)
		parse_worker_end(feed->worker);
	feed->worker = NULL;
}

int
load_feed_files(const EtlLoadFeed *feed)
{
	return feed->files;
}

uint64
load_feed_bytes(const EtlLoadFeed *feed)
{
	return feed->bytes;
}
