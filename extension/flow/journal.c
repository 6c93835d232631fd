/*
 * journal.c
 *		The executors' journal. See journal.h.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "flow/journal.h"
#include "flow/shared.h"
#include "pgstat.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"

/* A place that base backups leave out: a standby that takes over must not blame a step of the server it was. */
#define JOURNAL_FILE PG_STAT_TMP_DIR "/pg_etl.journal"

typedef struct JournalEntry
{
	int64 task_run_id; /* 0: none */
	int64 run_id;
	TimestampTz started_at;
	Oid dbid;
	pg_crc32c crc; /* of what is above; a step is blamed for what is certain. 32 bytes: never across two pages */
} JournalEntry;

static int journal_fd = -1;
static off_t journal_offset;

static pg_crc32c
checksum(const JournalEntry *entry)
{
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, entry, offsetof(JournalEntry, crc));
	FIN_CRC32C(crc);
	return crc;
}

/* Read an entry that names a step. False: it names none, or there is none. */
static bool
read_entry(int fd, int index, JournalEntry *entry)
{
	if (pread(fd, entry, sizeof(*entry), (off_t) index * sizeof(*entry)) != sizeof(*entry) || entry->task_run_id == 0)
		return false;
	if (entry->crc == checksum(entry))
		return true;
	ereport(LOG, errcode(ERRCODE_DATA_CORRUPTED), errmsg("invalid entry %d in file \"%s\"", index, JOURNAL_FILE),
			errdetail("It is ignored: an attempt of a step that ended its process is not counted."));
	return false;
}

static void
write_entry(int fd, int index, const JournalEntry *entry)
{
	if (fd < 0 || pwrite(fd, entry, sizeof(*entry), (off_t) index * sizeof(*entry)) != sizeof(*entry))
		ereport(LOG, errcode_for_file_access(), errmsg("could not write file \"%s\": %m", JOURNAL_FILE));
}

/* There may have been more slots than there are now: entries move up, one a slot. */
void
journal_read(void)
{
	JournalEntry entry;
	int count = 0;
	int fd = BasicOpenFile(JOURNAL_FILE, O_RDWR | O_CREAT | PG_BINARY);

	if (fd < 0)
	{
		ereport(LOG, errcode_for_file_access(), errmsg("could not open file \"%s\": %m", JOURNAL_FILE));
		return;
	}
	for (int i = 0; i < ETL_MOST_EXECUTORS + ETL_MAX_DATABASES && count < etl_shared->executor_count; i++)
		if (read_entry(fd, i, &entry))
		{
			EtlExecutorSlot *slot = &etl_shared->executors[count];

			slot->state = ETL_EXECUTOR_RECOVER;
			slot->dbid = entry.dbid;
			slot->task_run_id = entry.task_run_id;
			slot->run_id = entry.run_id;
			slot->started_at = entry.started_at;
			write_entry(fd, count, &entry);
			count++;
		}
	if (ftruncate(fd, (off_t) count * sizeof(entry)) != 0)
		ereport(LOG, errcode_for_file_access(), errmsg("could not truncate file \"%s\": %m", JOURNAL_FILE));
	close(fd);
}

void
journal_open(int index)
{
	journal_fd = BasicOpenFile(JOURNAL_FILE, O_RDWR | O_CREAT | PG_BINARY);
	if (journal_fd < 0)
		ereport(FATAL, errcode_for_file_access(), errmsg("could not open file \"%s\": %m", JOURNAL_FILE));
	journal_offset = (off_t) index * sizeof(JournalEntry);
}

void
journal_write(Oid dbid, int64 run_id, int64 task_run_id, TimestampTz started_at)
{
	JournalEntry entry = {.run_id = run_id, .task_run_id = task_run_id, .started_at = started_at, .dbid = dbid};
	ssize_t written;

	if (journal_fd < 0)
		return;
	entry.crc = checksum(&entry);
	/* Nothing can be done about a failure here: the attempt merely isn't counted if it crashes the server. */
	written = pwrite(journal_fd, &entry, sizeof(entry), journal_offset);
	(void) written;
}

void
journal_clear(int index)
{
	JournalEntry entry = {0};
	int fd = BasicOpenFile(JOURNAL_FILE, O_RDWR | O_CREAT | PG_BINARY);

	write_entry(fd, index, &entry);
	if (fd >= 0)
		close(fd);
}
