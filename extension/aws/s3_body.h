/*
 * s3_body.h
 *		What is sent to S3: its sums, its type, how it is to be kept. Private to aws/s3_*.c.
 */
#ifndef ETL_AWS_S3_BODY_H
#define ETL_AWS_S3_BODY_H

#include "postgres.h"

#include "aws/checksum.h"
#include "aws/server.h"
#include "aws/sigv4.h"
#include "net/http.h"

/* S3 computes it as well, refuses what differs, and keeps it with the object. */
#define S3_CHECKSUM_KIND ETL_CHECKSUM_CRC32C
#define S3_CHECKSUM_HEADER "x-amz-checksum-crc32c"

typedef struct S3Sums
{
	char sha256[SIGV4_HEX_SIZE]; /* is signed */
	char crc[ETL_CHECKSUM_BASE64_SIZE];
} S3Sums;

/* Sums of the body; `whole`, when not NULL, is brought up to date with it too. `uri` is for errors. */
extern void s3_body_sum(const EtlHttpBody *body, EtlChecksum *whole, const char *uri, S3Sums *out);
/* A checksum's text; raises when OpenSSL fails. */
extern void s3_checksum_text(EtlChecksum *checksum, char out[ETL_CHECKSUM_BASE64_SIZE]);

/* The media type that the key's last extension stands for. */
extern const char *s3_content_type(const char *key);

/*
 * Headers that say how the server wants to have encrypted what is written: fills `out`, returns how many there
 * are.
 */
#define S3_ENCRYPTION_HEADERS 2
extern int s3_encryption_headers(const EtlAwsServer *server, EtlHttpField *out);

/* Where an object's mark is: see s3_mark_make. */
#define S3_MARK_HEADER "x-amz-meta-pg-etl-put"

#endif
