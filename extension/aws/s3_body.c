/*
 * s3_body.c
 *		What is sent to S3. See s3_body.h.
 *
 * A body is summed up before it is sent, in one pass: its SHA-256 is signed, its CRC32C is what S3 keeps with
 * the object.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <unistd.h>

#include "aws/s3_body.h"
#include "base/handle.h"
#include "miscadmin.h"

#define READ_SIZE (64 * 1024)

static void
pg_attribute_noreturn() raise_no_hash(void)
{
	ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
			errmsg("could not compute the checksum of what is to be sent"));
	pg_unreachable();
}

void
s3_checksum_text(EtlChecksum *checksum, char out[ETL_CHECKSUM_BASE64_SIZE])
{
	if (!checksum_base64(checksum, out))
		raise_no_hash();
}

static size_t
read_file(const EtlHttpBody *body, uint64 done, char *buf, const char *uri)
{
	ssize_t n;

	do
		n = pread(body->fd, buf, Min(body->size - done, READ_SIZE), (off_t) (body->offset + done));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		ereport(ERROR, errcode_for_file_access(),
				errmsg("could not read what is to be written to \"%s\": %m", uri));
	if (n == 0)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("content of \"%s\" is shorter than expected", uri));
	return n;
}

void
s3_body_sum(const EtlHttpBody *body, EtlChecksum *whole, const char *uri, S3Sums *out)
{
	EtlHandle *owner = etl_handle_reserve(CurrentMemoryContext, (EtlHandleFree) EVP_MD_CTX_free);
	EVP_MD_CTX *hash = owner->handle = EVP_MD_CTX_new();
	bool in_memory = body->data != NULL;
	char *buf = in_memory ? NULL : palloc(READ_SIZE);
	unsigned char digest[EVP_MAX_MD_SIZE];
	EtlChecksum crc;

	if (hash == NULL || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL) ||
		!checksum_begin(&crc, S3_CHECKSUM_KIND))
		raise_no_hash();
	for (uint64 done = 0; done < body->size;)
	{
		const char *data = in_memory ? body->data + done : buf;
		size_t n = in_memory ? Min(body->size - done, READ_SIZE) : read_file(body, done, buf, uri);

		CHECK_FOR_INTERRUPTS();
		if (!EVP_DigestUpdate(hash, data, n))
			raise_no_hash();
		checksum_update(&crc, data, n);
		if (whole != NULL)
			checksum_update(whole, data, n);
		done += n;
	}
	if (!EVP_DigestFinal_ex(hash, digest, NULL))
		raise_no_hash();
	etl_handle_close(owner);
	for (int i = 0; i < 32; i++)
		snprintf(out->sha256 + 2 * i, 3, "%02x", digest[i]);
	s3_checksum_text(&crc, out->crc);
	checksum_end(&crc);
	if (buf != NULL)
		pfree(buf);
}

const char *
s3_content_type(const char *key)
{
	static const struct
	{
		const char *extension;
		const char *type;
	} types[] = {
		{".csv", "text/csv"},
		{".gz", "application/gzip"},
		{".html", "text/html"},
		{".json", "application/json"},
		{".parquet", "application/vnd.apache.parquet"},
		{".txt", "text/plain"},
		{".xml", "application/xml"},
		{".zst", "application/zstd"},
	};
	size_t length = strlen(key);

	for (int i = 0; i < lengthof(types); i++)
	{
		size_t extension = strlen(types[i].extension);

		if (length > extension && pg_strcasecmp(key + length - extension, types[i].extension) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

int
s3_encryption_headers(const EtlAwsServer *server, EtlHttpField *out)
{
	int count = 0;

	if (server->encryption == NULL)
		return 0;
	out[count++] = (EtlHttpField){"x-amz-server-side-encryption", server->encryption};
	if (server->kms_key_id != NULL)
		out[count++] = (EtlHttpField){"x-amz-server-side-encryption-aws-kms-key-id", server->kms_key_id};
	return count;
}
