/*
 * bucket_region.h
 *		Which buckets are in another region than their server says: learnt once a process, from S3's redirects.
 *
 * Of an endpoint: AWS's own (endpoint NULL) and each server's own know different buckets. What is learnt is a hint: if it
 * is wrong S3 says so, and it is learnt anew.
 */
#ifndef ETL_AWS_BUCKET_REGION_H
#define ETL_AWS_BUCKET_REGION_H

/* NULL: nothing is known. Valid until the next bucket_region_learn. */
extern const char *bucket_region_get(const char *endpoint, const char *bucket);
extern void bucket_region_learn(const char *endpoint, const char *bucket, const char *region);

#endif
