/*
 * xml_reader.c
 *		Bytes of XML to rows of fields, with expat. See xml_reader.h. Pure.
 *
 * No callback allocates: before expat goes on there is room for as much text as it can hand out, which is no more than it
 * was given once entities can't be declared, but for the growth of other encodings to UTF-8. expat's own memory is counted
 * and bounded: it keeps every name that it has met, and tokens whole.
 *
 * expat is stopped at each row's end and resumed for the next. `source` has the bytes from where it is at, or from the row's
 * start, for the record's raw text.
 */
#include "format/xml_reader.h"

#include <expat.h>
#include <stddef.h>

#include "format/json_tree.h"

#ifndef FRONTEND
#include "base/handle.h"
#endif

#define CHUNK (64 * 1024)
#define MARK                                                                                                 \
	4 /* bytes at the start that tell the encoding; expat looks at what it is given first, and no further */
#define MAX_NAME 256 /* bytes of an attribute's that is looked for */

/* A value, in one of the two buffers; start -1: there is none. */
typedef struct Piece
{
	int start;
	int len;
} Piece;

typedef struct XmlLevel
{
	EtlJsonNode *node; /* of the element; NULL: nothing in it is wanted */
	int text_start;
} XmlLevel;

typedef struct XmlReader
{
	EtlRecordReader base;
	XML_Parser parser;
#ifndef FRONTEND
	EtlHandle *owner;
#endif
	EtlJsonTree tree;
	char *row_tag;
	int column_count;
	bool by_names;	 /* the tree's fields are column_count elements, then as many attributes */
	int piece_count; /* the tree's fields */

	const char *fed;
	size_t fed_len;
	size_t fed_used;
	bool eof;
	bool finished; /* expat knows about the end */
	bool suspended;
	bool failed; /* nothing more can be read */
	int64 failed_line;

	StringInfoData source;
	int64 source_base; /* position in the stream of its first byte */
	int64 given;	   /* bytes that expat has */

	/* The row that expat is in or has just left */
	bool in_row;
	bool row_ended;
	bool too_long;
	int64 row_start;
	int64 row_end;
	int64 row_line;
	int row_depth;
	int depth;
	int taking;	   /* open elements whose text is wanted */
	uint64 serial; /* elements with a node, so far */
	const char *refused;
	StringInfoData text;
	StringInfoData attributes;
	Piece *pieces; /* of the tree's fields */
	bool *in_attributes;
	EtlField *fields;
	XmlLevel levels[ETL_XML_MAX_DEPTH];
} XmlReader;

/* ---- expat's memory ---- */

typedef union Block
{
	size_t size;
	max_align_t aligned;
} Block;

static size_t memory_used;

static void *
counted_realloc(void *pointer, size_t size)
{
	Block *block = pointer != NULL ? (Block *) pointer - 1 : NULL;
	size_t before = block != NULL ? block->size : 0;

	if (size > ETL_XML_MAX_MEMORY - Min(memory_used - before, ETL_XML_MAX_MEMORY))
		return NULL;
	block = realloc(block, sizeof(Block) + size);
	if (block == NULL)
		return NULL;
	memory_used += size - before;
	block->size = size;
	return block + 1;
}

static void *
counted_malloc(size_t size)
{
	return counted_realloc(NULL, size);
}

static void
counted_free(void *pointer)
{
	Block *block;

	if (pointer == NULL)
		return;
	block = (Block *) pointer - 1;
	memory_used -= block->size;
	free(block);
}

/* ---- callbacks ---- */

static void
refuse(XmlReader *reader, const char *why)
{
	if (reader->refused == NULL)
		reader->refused = why;
	XML_StopParser(reader->parser, XML_FALSE);
}

static void
start_doctype(void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
	refuse(arg, "it has a document type declaration");
}

static const char *
local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

static void
append(XmlReader *reader, StringInfo out, const char *data, size_t len)
{
	if (len >= out->maxlen - out->len)
	{
		refuse(reader, "it is larger than it can be");
		return;
	}
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static void
take_attributes(XmlReader *reader, EtlJsonNode *node, const XML_Char **attributes)
{
	for (; *attributes != NULL; attributes += 2)
	{
		char name[MAX_NAME + 2] = "@";
		size_t len = strlen(local_name(attributes[0]));
		EtlJsonNode *member;

		if (len > MAX_NAME || strncmp(attributes[0], "xmlns", 5) == 0)
			continue;
		memcpy(name + 1, local_name(attributes[0]), len);
		member = json_tree_member(&reader->tree, node, name, len + 1);
		if (member == NULL || member->field < 0)
			continue;
		for (int i = member->field; i >= 0; i = reader->tree.same[i])
		{
			reader->pieces[i] = (Piece){reader->attributes.len, strlen(attributes[1])};
			reader->in_attributes[i] = true;
		}
		append(reader, &reader->attributes, attributes[1], strlen(attributes[1]));
	}
}

/* The node of a child of that name of the element that `parent` is for. It is the next of its name. */
static EtlJsonNode *
child_node(XmlReader *reader, EtlJsonNode *parent, const char *name)
{
	EtlJsonNode *member = json_tree_member(&reader->tree, parent, name, strlen(name));

	if (member == NULL)
		return NULL;
	if (member->seen != parent->seen)
		member->index = 0;
	member->seen = parent->seen;
	for (EtlJsonNode *node = member->elements; node != NULL; node = node->next_sibling)
	{
		if (node->index == member->index)
		{
			member->index++;
			return node;
		}
	}
	member->index++;
	return NULL;
}

static void
start_row(XmlReader *reader)
{
	reader->in_row = true;
	reader->row_start = XML_GetCurrentByteIndex(reader->parser);
	reader->row_line = XML_GetCurrentLineNumber(reader->parser);
	reader->row_depth = reader->depth;
	reader->taking = 0;
	reader->text.len = 0;
	reader->attributes.len = 0;
	for (int i = 0; i < reader->piece_count; i++)
	{
		reader->pieces[i].start = -1;
		reader->in_attributes[i] = false;
	}
}

static void
start_element(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	XmlReader *reader = arg;
	EtlJsonNode *node = NULL;

	if (reader->refused != NULL)
		return;
	if (reader->depth == ETL_XML_MAX_DEPTH)
	{
		refuse(reader, "it is nested more than " CppAsString2(ETL_XML_MAX_DEPTH) " levels deep");
		return;
	}
	if (!reader->in_row && strcmp(local_name(name), reader->row_tag) == 0)
	{
		start_row(reader);
		node = reader->tree.root;
	}
	else if (reader->in_row && reader->levels[reader->depth - 1].node != NULL)
		node = child_node(reader, reader->levels[reader->depth - 1].node, local_name(name));
	if (node != NULL)
	{
		node->seen = ++reader->serial;
		if (node->members != NULL)
			take_attributes(reader, node, attributes);
		reader->taking += node->field >= 0;
	}
	reader->levels[reader->depth++] = (XmlLevel){node, reader->text.len};
}

static void
end_element(void *arg, const XML_Char *name)
{
	XmlReader *reader = arg;
	XmlLevel *level;

	if (reader->refused != NULL)
		return;
	level = &reader->levels[--reader->depth];
	if (level->node != NULL && level->node->field >= 0)
	{
		for (int i = level->node->field; i >= 0; i = reader->tree.same[i])
			reader->pieces[i] = (Piece){level->text_start, reader->text.len - level->text_start};
		reader->taking--;
	}
	if (reader->in_row && reader->depth == reader->row_depth)
	{
		reader->in_row = false;
		reader->row_ended = true;
		reader->row_end = XML_GetCurrentByteIndex(reader->parser) + XML_GetCurrentByteCount(reader->parser);
		XML_StopParser(reader->parser, XML_TRUE);
	}
}

static void
character_data(void *arg, const XML_Char *text, int len)
{
	XmlReader *reader = arg;

	if (reader->refused == NULL && reader->taking > 0)
		append(reader, &reader->text, text, len);
}

/* ---- the reader ---- */

static void
reader_free(EtlRecordReader *self)
{
	XmlReader *reader = (XmlReader *) self;

#ifdef FRONTEND
	XML_ParserFree(reader->parser);
#else
	etl_handle_close(reader->owner);
#endif
	json_tree_free(&reader->tree);
	pfree(reader->row_tag);
	pfree(reader->source.data);
	pfree(reader->text.data);
	pfree(reader->attributes.data);
	pfree(reader->pieces);
	pfree(reader->in_attributes);
	pfree(reader->fields);
	pfree(reader);
}

static void
reader_feed(EtlRecordReader *self, const char *buf, size_t len, bool eof)
{
	XmlReader *reader = (XmlReader *) self;

	reader->fed = buf;
	reader->fed_len = len;
	reader->fed_used = 0;
	reader->eof = eof;
}

/* Where expat is at: the start of the token that it is in. */
static int64
current_position(const XmlReader *reader)
{
	int64 position = XML_GetCurrentByteIndex(reader->parser);

	return position < 0 ? reader->given : position;
}

/* The next bytes to `source`, where those before the row, or before the token that expat is in, go. */
static void
take_chunk(XmlReader *reader)
{
	size_t size = Min(reader->fed_len - reader->fed_used, CHUNK);
	int drop = (reader->in_row ? reader->row_start : current_position(reader)) - reader->source_base;

	memmove(reader->source.data, reader->source.data + drop, reader->source.len - drop);
	reader->source.len -= drop;
	reader->source_base += drop;
	appendBinaryStringInfo(&reader->source, reader->fed + reader->fed_used, size);
	reader->fed_used += size;
}

/* Let expat go on: with the row after the last, or with the bytes of source that it doesn't have. */
static enum XML_Status
go_on(XmlReader *reader)
{
	const char *next = reader->source.data + (reader->given - reader->source_base);
	int size = reader->source.data + reader->source.len - next;
	int64 ahead = reader->given + (reader->suspended ? 0 : size) - current_position(reader);

	enlargeStringInfo(&reader->text, 2 * ahead + 1);
	enlargeStringInfo(&reader->attributes, 2 * ahead + 1);
	if (reader->suspended)
		return XML_ResumeParser(reader->parser);
	reader->given += size;
	reader->finished = size == 0;
	return XML_Parse(reader->parser, next, size, size == 0);
}

static EtlRecordStatus
fail(XmlReader *reader, EtlRecord *record, EtlError *error, enum XML_Error why)
{
	int64 position = current_position(reader);

	reader->failed = true;
	reader->failed_line = XML_GetCurrentLineNumber(reader->parser);
	*record = (EtlRecord){.line = reader->failed_line, .code = ETL_LOAD_LINE, .bad_field = -1};
	if (reader->in_row)
	{
		record->raw = reader->source.data + (reader->row_start - reader->source_base);
		record->raw_len = Max(position - reader->row_start, 0);
	}
	if (why == XML_ERROR_NO_MEMORY)
	{
		etl_error_set(error, ERRCODE_OUT_OF_MEMORY, "line " INT64_FORMAT ": XML needs too much memory",
					  record->line);
		etl_error_detail(error, "It may have %d MB.", ETL_XML_MAX_MEMORY / (1024 * 1024));
	}
	else
	{
		etl_error_set(error, ERRCODE_BAD_COPY_FILE_FORMAT, "line " INT64_FORMAT ": invalid XML: %s",
					  record->line, reader->refused != NULL ? reader->refused : XML_ErrorString(why));
		if (reader->in_row)
			etl_error_detail(error, "The element \"%s\" that it is in starts on line " INT64_FORMAT ".",
							 reader->row_tag, reader->row_line);
	}
	return ETL_RECORD_ERROR;
}

static EtlRecordStatus
final_error(XmlReader *reader, EtlRecord *record, EtlError *error)
{
	*record = (EtlRecord){.line = reader->failed_line, .code = ETL_LOAD_LINE, .bad_field = -1};
	if (reader->too_long)
		etl_error_set(error, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
					  "line " INT64_FORMAT ": row is longer than %d MB", reader->failed_line,
					  ETL_RECORD_MAX_SIZE / (1024 * 1024));
	else
		etl_error_set(error, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
					  "line " INT64_FORMAT ": nothing can be read after XML that is invalid",
					  reader->failed_line);
	return ETL_RECORD_ERROR;
}

static EtlField
field_of(const XmlReader *reader, int i)
{
	const Piece *piece = &reader->pieces[i];
	const StringInfoData *buffer = reader->in_attributes[i] ? &reader->attributes : &reader->text;

	if (piece->start < 0)
		return (EtlField){.is_null = true};
	return (EtlField){.data = buffer->data + piece->start, .len = piece->len, .quoted = true};
}

static EtlRecordStatus
give_row(XmlReader *reader, EtlRecord *record)
{
	for (int i = 0; i < reader->column_count; i++)
	{
		reader->fields[i] = field_of(reader, i);
		if (reader->by_names && reader->fields[i].is_null)
			reader->fields[i] = field_of(reader, reader->column_count + i);
	}
	reader->row_ended = false;
	*record = (EtlRecord){.fields = reader->fields,
						  .field_count = reader->column_count,
						  .line = reader->row_line,
						  .raw = reader->source.data + (reader->row_start - reader->source_base),
						  .raw_len = reader->row_end - reader->row_start,
						  .bad_field = -1};
	return ETL_RECORD_ROW;
}

/* A row, or something else that has no end, over the limit. */
static bool
is_too_long(const XmlReader *reader)
{
	int64 position = current_position(reader);

	if (reader->row_ended)
		return reader->row_end - reader->row_start > ETL_RECORD_MAX_SIZE;
	if (reader->in_row && position - reader->row_start > ETL_RECORD_MAX_SIZE)
		return true;
	return reader->given - position > ETL_RECORD_MAX_SIZE + CHUNK;
}

static EtlRecordStatus
reader_next(EtlRecordReader *self, EtlRecord *record, EtlError *error)
{
	XmlReader *reader = (XmlReader *) self;

	for (;;)
	{
		enum XML_Status status;

		if (reader->failed)
			return final_error(reader, record, error);
		if (!reader->suspended)
		{
			take_chunk(reader);
			if (!reader->eof && (reader->source.len == reader->given - reader->source_base ||
								 reader->source_base + reader->source.len < MARK))
				return ETL_RECORD_NEED_MORE;
			if (reader->finished || reader->source_base + reader->source.len == 0)
				return ETL_RECORD_END;
		}
		status = go_on(reader);
		reader->suspended = status == XML_STATUS_SUSPENDED;
		if (status == XML_STATUS_ERROR)
			return fail(reader, record, error, XML_GetErrorCode(reader->parser));
		if (is_too_long(reader))
		{
			reader->failed = true;
			reader->too_long = true;
			reader->failed_line = reader->in_row || reader->row_ended
									  ? reader->row_line
									  : (int64) XML_GetCurrentLineNumber(reader->parser);
			return final_error(reader, record, error);
		}
		if (reader->row_ended)
			return give_row(reader, record);
	}
}

/* ---- what is wanted ---- */

bool
xml_options_check(const EtlXmlOptions *options, EtlError *error)
{
	const int sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;

	if (options->row_tag == NULL || options->row_tag[0] == '\0' ||
		strpbrk(options->row_tag, ": \t\r\n<>/") != NULL)
		return etl_error_set(error, sqlstate, "row tag must be the name of an element, without a prefix");
	for (int i = 0; options->paths != NULL && i < options->paths->count; i++)
	{
		const EtlJsonPath *path = &options->paths->paths[i];

		for (int j = 0; j < path->count; j++)
		{
			const EtlJsonStep *step = &path->steps[j];

			if (step->name == NULL && (j == 0 || path->steps[j - 1].name == NULL))
				return etl_error_set(error, sqlstate,
									 "path %d: a number does not follow the name of an element", i + 1);
			if (step->name != NULL && step->name[0] == '@' && j + 1 < path->count)
				return etl_error_set(error, sqlstate, "path %d: there is nothing inside an attribute", i + 1);
		}
	}
	return true;
}

/* The steps of a path, with a number after each name of an element. */
static EtlJsonPath
numbered(const EtlJsonStep *steps, int count)
{
	EtlJsonStep *out = palloc((2 * count + 1) * sizeof(EtlJsonStep));
	int n = 0;

	for (int i = 0; i < count; i++)
	{
		out[n++] = steps[i];
		if (steps[i].name != NULL && steps[i].name[0] != '@' && (i + 1 == count || steps[i + 1].name != NULL))
			out[n++] = (EtlJsonStep){.index = 0};
	}
	return (EtlJsonPath){out, n};
}

static EtlJsonPath
name_path(const char *name)
{
	EtlJsonStep step = {.name = name, .len = strlen(name)};

	return numbered(&step, 1);
}

static void
build_tree(XmlReader *reader, const EtlXmlOptions *options)
{
	int count = options->column_count;
	EtlJsonPaths paths = {.count = reader->piece_count};
	EtlJsonOptions tree_options = {
		.mapping = ETL_JSON_PATHS,
		.paths = &paths,
		.ignore_case = options->ignore_case,
		.column_count = reader->piece_count};

	paths.paths = palloc(Max(paths.count, 1) * sizeof(EtlJsonPath));
	for (int i = 0; i < count; i++)
	{
		if (reader->by_names)
		{
			paths.paths[i] = name_path(options->columns[i]);
			paths.paths[count + i] = name_path(psprintf("@%s", options->columns[i]));
		}
		else
			paths.paths[i] = numbered(options->paths->paths[i].steps, options->paths->paths[i].count);
	}
	json_tree_build(&reader->tree, &tree_options);
	/* The tree has its own copies. */
	for (int i = 0; i < paths.count; i++)
	{
		if (i >= count)
			pfree((char *) paths.paths[i].steps[0].name);
		pfree((void *) paths.paths[i].steps);
	}
	pfree(paths.paths);
}

static bool
create_parser(XmlReader *reader, const EtlXmlOptions *options)
{
	static const XML_Memory_Handling_Suite memory = {counted_malloc, counted_realloc, counted_free};

#ifndef FRONTEND
	reader->owner = etl_handle_reserve(CurrentMemoryContext, (EtlHandleFree) XML_ParserFree);
#endif
	reader->parser = XML_ParserCreate_MM(options->is_utf8 ? "UTF-8" : NULL, &memory, NULL);
	if (reader->parser == NULL)
		return false;
#ifndef FRONTEND
	reader->owner->handle = reader->parser;
#endif
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 6
	/* It would hold back what is there. Tokens are short enough here to be looked at again for each chunk. */
	XML_SetReparseDeferralEnabled(reader->parser, XML_FALSE);
#endif
	XML_SetUserData(reader->parser, reader);
	XML_SetElementHandler(reader->parser, start_element, end_element);
	XML_SetCharacterDataHandler(reader->parser, character_data);
	XML_SetStartDoctypeDeclHandler(reader->parser, start_doctype);
	return true;
}

EtlRecordReader *
xml_reader_create(const EtlXmlOptions *options, EtlError *error)
{
	XmlReader *reader = palloc0(sizeof(XmlReader));

	if (!create_parser(reader, options))
	{
		pfree(reader);
		etl_error_set(error, ERRCODE_OUT_OF_MEMORY, "out of memory");
		return NULL;
	}
	reader->base = (EtlRecordReader){reader_feed, reader_next, reader_free};
	reader->row_tag = pstrdup(options->row_tag);
	reader->column_count = options->column_count;
	reader->by_names = options->paths == NULL;
	reader->piece_count = reader->by_names ? 2 * options->column_count : options->column_count;
	build_tree(reader, options);
	reader->pieces = palloc(Max(reader->piece_count, 1) * sizeof(Piece));
	reader->in_attributes = palloc(Max(reader->piece_count, 1) * sizeof(bool));
	reader->fields = palloc(Max(reader->column_count, 1) * sizeof(EtlField));
	initStringInfo(&reader->source);
	initStringInfo(&reader->text);
	initStringInfo(&reader->attributes);
	return &reader->base;
}
