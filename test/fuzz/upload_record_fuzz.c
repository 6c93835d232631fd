/*
 * upload_record_fuzz.c
 *		Records as a crash may have left them: none, or one that has all that undoing it takes.
 */
#include "run_memory.h"
#include "store/upload_record.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	EtlUploadRecord record;

	if (upload_record_parse((const char *) data, size, &record))
	{
		if (record.bucket == NULL || record.server_name == NULL || (record.transaction == 0 && record.key == NULL))
			abort();
		for (int i = 0; i < record.nobjects; i++)
			if (record.objects[i].key == NULL || strchr(record.objects[i].identity, ' ') != NULL)
				abort();
		if (upload_record_pause(record.failures) < 0)
			abort();
	}
	run_memory_free();
	return 0;
}
