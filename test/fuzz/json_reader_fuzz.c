/*
 * json_reader_fuzz.c
 *		The reader of JSON, by names, paths and as a whole, read whole and in pieces: the same records. And paths files.
 */
#include "format/json_reader.h"

#include "records.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static const char *const columns[] = {"a", "b", "id", "name"};

static const char *const paths_files[] = {
	"{\"jsonpaths\":[\"$.a\",\"$.a.b\",\"$.b[0]\",\"$.b[2].id\",\"$\",\"$.a\"]}",
	"{\"jsonpaths\":[\"$[0]\",\"$[1].a\",\"$[2][0]\"]}",
};

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	EtlJsonPaths paths;
	EtlJsonOptions options = {.columns = columns};
	EtlJsonPaths any;
	EtlError error;
	const char *input = (const char *) data + 2;

	if (size < 2)
		return 0;
	size -= 2;
	options.mapping = data[0] & 3;
	if (options.mapping == ETL_JSON_PATHS)
	{
		const char *file = paths_files[data[0] >> 2 & 1];

		if (!json_paths_parse(file, strlen(file), "jsonpaths", &paths, &error))
			abort();
		options.paths = &paths;
	}
	options.column_count = options.mapping == ETL_JSON_PATHS	 ? options.paths->count
						   : options.mapping == ETL_JSON_NOSHRED ? 1
																 : lengthof(columns);
	if (records_digest(json_reader_create(&options), input, size, size) !=
		records_digest(json_reader_create(&options), input, size, Max(data[1], 1)))
		abort();
	if (data[0] & 8 && json_paths_parse(input, size, "jsonpaths", &any, &error) && any.count > 0)
	{
		options = (EtlJsonOptions){.mapping = ETL_JSON_PATHS, .paths = &any};
		options.column_count = Min(any.count, ETL_RECORD_MAX_FIELDS);
		records_digest(json_reader_create(&options), input, size, size);
	}
	run_memory_free();
	return 0;
}
