/*
 * s3.h
 *		The driver for Amazon S3.
 */
#ifndef ETL_STORE_S3_H
#define ETL_STORE_S3_H

#include "store/store.h"

extern const EtlStoreDriver store_s3_driver;

#endif
