/*
 * xml_reader_fuzz.c
 *		The reader of XML, by names and by paths, read whole and in pieces: the same rows.
 */
#include "format/xml_reader.h"

/* In what expat has of a token that can't be, it may find this or that to be wrong, here or there. */
#define RECORDS_ERRORS_MOVE
#include "records.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static const char *const columns[] = {"a", "id", "b"};
static const char paths_file[] =
	"{\"xmlpaths\":[\"$.a\",\"$.@id\",\"$.a[1]\",\"$.a[1].b\",\"$.a.@id\",\"$.b.b\",\"$\",\"$.a\"]}";

static EtlRecordReader *
make(const EtlXmlOptions *options)
{
	EtlError error;
	EtlRecordReader *reader = xml_reader_create(options, &error);

	if (reader == NULL)
		abort();
	return reader;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	EtlXmlOptions options = {.row_tag = "r", .columns = columns, .column_count = lengthof(columns)};
	EtlJsonPaths paths;
	EtlError error;
	const char *input = (const char *) data + 2;

	if (size < 2)
		return 0;
	size -= 2;
	options.is_utf8 = data[0] & 1;
	if (data[0] & 2)
	{
		if (!json_paths_parse(paths_file, strlen(paths_file), "xmlpaths", &paths, &error))
			abort();
		options.paths = &paths;
		options.column_count = paths.count;
	}
	if (!xml_options_check(&options, &error))
		abort();
	if (records_digest(make(&options), input, size, size) !=
		records_digest(make(&options), input, size, Max(data[1], 1)))
		abort();
	run_memory_free();
	return 0;
}
