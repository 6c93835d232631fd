/*
 * s3_write.c
 *		Putting and deleting objects. See s3.h.
 *
 * An upload's body is hashed before it is sent: the hash is signed, so S3 refuses what isn't what we had.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <unistd.h>

#include "aws/s3.h"
#include "aws/s3_request.h"
#include "aws/sigv4.h"
#include "base/handle.h"
#include "miscadmin.h"

/* Hex SHA-256 of the file's first `size` bytes. */
static char *
hash_file(int fd, uint64 size, const char *uri)
{
	EtlHandle *owner = etl_handle_reserve(CurrentMemoryContext, (EtlHandleFree) EVP_MD_CTX_free);
	EVP_MD_CTX *hash = owner->handle = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	char *hex = palloc(SIGV4_HEX_SIZE);
	char *buf = palloc(64 * 1024);
	uint64 done = 0;

	if (hash == NULL || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a SHA-256 hash"));
	while (done < size)
	{
		ssize_t n = pread(fd, buf, Min(size - done, 64 * 1024), (off_t) done);

		CHECK_FOR_INTERRUPTS();
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ereport(ERROR, errcode_for_file_access(),
					errmsg("could not read what is to be written to \"%s\": %m", uri));
		if (n == 0)
			ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("content of \"%s\" is shorter than expected", uri));
		if (!EVP_DigestUpdate(hash, buf, n))
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a SHA-256 hash"));
		done += n;
	}
	if (!EVP_DigestFinal_ex(hash, digest, NULL))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a SHA-256 hash"));
	etl_handle_close(owner);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	pfree(buf);
	return hex;
}

#define PUT_ID_HEADER "x-amz-meta-pg-etl-put"
#define PUT_ID_SIZE 16

static char *
put_id_make(void)
{
	unsigned char bytes[PUT_ID_SIZE];
	char *id = palloc(2 * PUT_ID_SIZE + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes"));
	for (int i = 0; i < PUT_ID_SIZE; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return id;
}

/* The answer about the object, if it is the one that was put with this id. */
static EtlHttp *
put_find(const EtlAwsRequest *put, const char *id)
{
	EtlAwsRequest head = *put;
	EtlAwsFailure failure;
	EtlHttp *http;
	const char *found;

	head.method = "HEAD";
	head.nheaders = 0;
	head.body = (EtlHttpBody){.fd = -1};
	head.body_hash = NULL;
	http = aws_request_send(&head, &failure);
	found = http != NULL ? http_header(http, PUT_ID_HEADER) : NULL;
	return found != NULL && strcmp(found, id) == 0 ? http : NULL;
}

/*
 * With must_not_exist a put whose answer was lost finds its own object when it is tried again. So it is marked: an
 * object that is in the way and has our mark is not in the way.
 */
char *
s3_object_put(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
			  const char *key, const EtlHttpBody *body, bool must_not_exist)
{
	EtlHttpField marks[] = {{"If-None-Match", "*"}, {PUT_ID_HEADER, must_not_exist ? put_id_make() : NULL}};
	EtlAwsRequest request = s3_request_make(server, credentials, "PUT", bucket, key, "write", "s3:PutObject");
	EtlAwsFailure failure;
	EtlHttp *http;
	char *etag;

	if (body->size > S3_PUT_MAX_SIZE)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("could not write \"%s\": it is too large", request.action.object),
				errdetail("It has " UINT64_FORMAT " bytes; one object may have " UINT64_FORMAT " here.",
						  body->size, S3_PUT_MAX_SIZE),
				errhint("Write it as several objects, with MAXFILESIZE for UNLOAD."));
	request.body = *body;
	if (body->data == NULL && body->size > 0)
		request.body_hash = hash_file(body->fd, body->size, request.action.object);
	if (must_not_exist)
	{
		request.headers = marks;
		request.nheaders = lengthof(marks);
	}
	http = aws_request_send(&request, &failure);
	if (http == NULL && must_not_exist && failure.status == 412)
		http = put_find(&request, marks[1].value);
	if (http == NULL)
		aws_request_raise(&request, &failure);
	etag = s3_etag_copy(http_header(http, "ETag"));
	http_close(http);
	return etag;
}

void
s3_object_delete(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				 const char *key)
{
	EtlAwsRequest request =
		s3_request_make(server, credentials, "DELETE", bucket, key, "delete", "s3:DeleteObject");

	http_close(aws_request_send_or_raise(&request));
}
