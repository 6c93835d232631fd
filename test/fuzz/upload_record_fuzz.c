/*
 * upload_record_fuzz.c
 *		Records of uploads as a crash may have left them: none, or one that has all that aborting it takes.
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
		if (record.bucket == NULL || record.key == NULL || record.server_name == NULL)
			abort();
		if (upload_record_pause(record.failures) < 0)
			abort();
	}
	run_memory_free();
	return 0;
}
