/*
 * s3_write_answer_fuzz.c
 *		Whatever S3's end says about what was written: ids and ETags that may stand in a request, keys in UTF-8, times, or a
 *		refusal that leaves nothing behind.
 */
#include "aws/error.h"
#include "aws/s3_write_answer.h"
#include "aws/xml_answer.h"
#include "mb/pg_wchar.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void
check_refusal(const EtlError *error)
{
	if (error->sqlstate != ERRCODE_PROTOCOL_VIOLATION || error->message[0] == '\0' ||
		error->detail[0] == '\0')
		abort();
}

/* As it may stand in a URL, a header or a line. */
static void
check_word(const char *text, size_t longest)
{
	if (*text == '\0' || strlen(text) > longest)
		abort();
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7F)
			abort();
}

static void
check_utf8(const char *text)
{
	int length = (int) strlen(text);

	if (pg_encoding_verifymbstr(PG_UTF8, text, length) != length)
		abort();
}

static void
read_root(const char *text, size_t size)
{
	EtlXml xml = {.count = 0};
	EtlError error = {0};

	if (!xml_answer_parse(text, size, "Error", &xml, &error))
	{
		check_refusal(&error);
		return;
	}
	if (xml.count == 0 || strcmp(xml.elements[0].name, "Error") != 0 || !aws_error_is_late(text, size))
		abort();
	xml_free(&xml);
}

static void
read_upload_id(const char *text, size_t size)
{
	char *id = NULL;
	EtlError error = {0};

	if (s3_upload_id_parse(text, size, &id, &error))
		check_word(id, 1024);
	else
		check_refusal(&error);
	if (error.sqlstate != 0 && id != NULL)
		abort();
}

static void
read_etags(const char *text, size_t size)
{
	for (EtlS3Made made = S3_MADE_COPY; made <= S3_MADE_UPLOAD; made++)
	{
		char *etag = NULL;
		EtlError error = {0};

		if (s3_made_etag_parse(text, size, made, &etag, &error))
		{
			check_word(etag, 256);
			if (aws_error_is_late(text, size))
				abort();
		}
		else
		{
			check_refusal(&error);
			if (etag != NULL)
				abort();
		}
	}
}

static void
read_part(const char *header)
{
	char *etag = NULL;
	EtlError error = {0};

	if (!s3_part_etag_parse(header, &etag, &error))
	{
		check_refusal(&error);
		if (etag != NULL)
			abort();
		return;
	}
	if (*etag == '\0' || strlen(etag) > 256)
		abort();
	for (; *etag; etag++)
		if (*etag < 0x20 || IS_HIGHBIT_SET(*etag))
			abort();
}

static void
read_deletion(const char *text, size_t size)
{
	EtlS3Deletion deletion = {.refused = -1};
	EtlError error = {0};

	if (!s3_deletion_parse(text, size, &deletion, &error))
	{
		check_refusal(&error);
		if (deletion.refused != -1)
			abort();
		return;
	}
	if (deletion.refused < 0 || deletion.refused > size / strlen("<Error/>") ||
		(deletion.refused > 0) != (deletion.key != NULL))
		abort();
	if (deletion.refused > 0)
	{
		check_utf8(deletion.key);
		check_utf8(deletion.code);
		check_utf8(deletion.message);
	}
}

static void
read_uploads(const char *text, size_t size)
{
	EtlS3UploadPage page = {.count = -1};
	EtlError error = {0};

	if (!s3_upload_page_parse(text, size, &page, &error))
	{
		check_refusal(&error);
		if (page.count != -1 || page.entries != NULL || page.next_key != NULL)
			abort();
		return;
	}
	if (page.count < 0 || page.count > size / strlen("<Upload/>") ||
		(page.next_key == NULL) != (page.next_id == NULL))
		abort();
	for (int i = 0; i < page.count; i++)
	{
		check_utf8(page.entries[i].key);
		check_word(page.entries[i].id, 1024);
		if (page.entries[i].begun < 0 || page.entries[i].begun > INT64CONST(253402300800))
			abort();
	}
	if (page.next_key != NULL)
	{
		check_utf8(page.next_key);
		check_word(page.next_id, 1024);
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char *text = palloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	read_root(text, size);
	read_upload_id(text, size);
	read_etags(text, size);
	read_part(text);
	read_deletion(text, size);
	read_uploads(text, size);
	run_memory_free();
	return 0;
}
