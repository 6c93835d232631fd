/*
 * journal.c
 *		The executors' journal. See journal.h.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "flow/journal.h"
#include "flow/shared.h"
#include "storage/fd.h"

#define JOURNAL_FILE "pg_etl.journal"

typedef struct JournalEntry
{
	int64 task_run_id; /* 0: none */
	TimestampTz started_at;
	Oid dbid;
	uint32 unused[3]; /* to 32 bytes: an entry never lies across two pages */
} JournalEntry;

static int journal_fd = -1;
static off_t journal_offset;

void
journal_read(void)
{
	JournalEntry entry;
	int fd = BasicOpenFile(JOURNAL_FILE, O_RDWR | O_CREAT | PG_BINARY);

	if (fd < 0)
	{
		ereport(LOG, errcode_for_file_access(), errmsg("could not open file \"%s\": %m", JOURNAL_FILE));
		return;
	}
	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		if (pread(fd, &entry, sizeof(entry), (off_t) i * sizeof(entry)) != sizeof(entry))
			break;
		if (entry.task_run_id != 0)
		{
			etl_shared->executors[i].state = ETL_EXECUTOR_RECOVER;
			etl_shared->executors[i].dbid = entry.dbid;
			etl_shared->executors[i].task_run_id = entry.task_run_id;
			etl_shared->executors[i].started_at = entry.started_at;
		}
	}
	close(fd);
}

void
journal_open(int index)
{
	journal_fd = BasicOpenFile(JOURNAL_FILE, O_RDWR | PG_BINARY);
	if (journal_fd < 0)
		ereport(FATAL, errcode_for_file_access(), errmsg("could not open file \"%s\": %m", JOURNAL_FILE));
	journal_offset = (off_t) index * sizeof(JournalEntry);
}

void
journal_write(Oid dbid, int64 task_run_id, TimestampTz started_at)
{
	JournalEntry entry = {.task_run_id = task_run_id, .started_at = started_at, .dbid = dbid};
	ssize_t written;

	if (journal_fd < 0)
		return;
	/* Nothing can be done about a failure here: the attempt merely isn't counted if it crashes the server. */
	written = pwrite(journal_fd, &entry, sizeof(entry), journal_offset);
	(void) written;
}

void
journal_clear(int index)
{
	JournalEntry entry = {0};
	int fd = BasicOpenFile(JOURNAL_FILE, O_RDWR | PG_BINARY);

	if (fd < 0 || pwrite(fd, &entry, sizeof(entry), (off_t) index * sizeof(entry)) != sizeof(entry))
		ereport(LOG, errcode_for_file_access(), errmsg("could not write file \"%s\": %m", JOURNAL_FILE));
	if (fd >= 0)
		close(fd);
}
