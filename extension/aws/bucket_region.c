/*
 * bucket_region.c
 *		The table of buckets' regions. See bucket_region.h.
 */
#include "postgres.h"

#include "aws/bucket_region.h"
#include "aws/redirect.h"

#define MOST_BUCKETS 64

typedef struct BucketRegion
{
	char endpoint[REDIRECT_HOST_SIZE + 8]; /* "": AWS's own */
	char bucket[64];					   /* "": free */
	char region[REDIRECT_REGION_SIZE];
} BucketRegion;

static BucketRegion buckets[MOST_BUCKETS];
static int next = 0; /* the place that is given away when there is none */

static BucketRegion *
bucket_find(const char *endpoint, const char *bucket)
{
	for (int i = 0; i < MOST_BUCKETS; i++)
		if (strcmp(buckets[i].bucket, bucket) == 0 && strcmp(buckets[i].endpoint, endpoint) == 0)
			return &buckets[i];
	return NULL;
}

const char *
bucket_region_get(const char *endpoint, const char *bucket)
{
	BucketRegion *found = bucket_find(endpoint != NULL ? endpoint : "", bucket);

	return found != NULL ? found->region : NULL;
}

void
bucket_region_learn(const char *endpoint, const char *bucket, const char *region)
{
	BucketRegion *found;

	if (endpoint == NULL)
		endpoint = "";
	if (strlen(endpoint) >= sizeof(found->endpoint) || strlen(bucket) >= sizeof(found->bucket))
		return;
	found = bucket_find(endpoint, bucket);
	if (found == NULL)
	{
		found = &buckets[next];
		next = (next + 1) % MOST_BUCKETS;
	}
	strlcpy(found->endpoint, endpoint, sizeof(found->endpoint));
	strlcpy(found->bucket, bucket, sizeof(found->bucket));
	strlcpy(found->region, region, sizeof(found->region));
}
