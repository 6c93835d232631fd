/*
 * s3_part.h
 *		Is this the part of an object that was asked for? Pure.
 *
 * A part that isn't would be silently wrong data, and so would one whose length isn't said: where it breaks off it looks
 * complete.
 */
#ifndef ETL_AWS_S3_PART_H
#define ETL_AWS_S3_PART_H

#include "base/error.h"

/* What was asked for, and what is known already. */
typedef struct EtlS3Asked
{
	uint64 position; /* the first byte */
	uint64 end;		 /* what follows the last one; 0: of the object, wherever that is */
	bool whole;		 /* the object, and no range of it */
	bool known;		 /* an answer before this one has said how large the object is */
	uint64 object_size;
} EtlS3Asked;

/*
 * By status and headers (NULL: none) the body is what was asked for: of so many bytes, up to *end, of an object of
 * *object_size. False with 08P01: it isn't, and nothing is set.
 */
extern bool s3_part_parse(const EtlS3Asked *asked, int status, const char *content_length,
						  const char *content_range, uint64 *end, uint64 *object_size, EtlError *error);

#endif
