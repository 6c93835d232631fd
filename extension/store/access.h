/*
 * access.h
 *		Opening the store with what a statement itself says about who asks and where: IAM_ROLE, CREDENTIALS, REGION.
 */
#ifndef ETL_STORE_ACCESS_H
#define ETL_STORE_ACCESS_H

#include "postgres.h"

#include "store/store.h"

typedef struct EtlStoreAccess
{
	char *server;					/* NULL: that of setting etl.aws_server */
	char *iam_role;					/* ARN, or "arn1,arn2": a chain; NULL or "default": the server's own credentials */
	EtlAwsCredentials *credentials; /* NULL: none given */
	char *region;					/* NULL: the server's */
} EtlStoreAccess;

/*
 * The store for the current user. In local mode there is nobody to ask for credentials, so
 * they are not looked at.
 */
extern EtlStore *store_open_with(const EtlStoreAccess *access);

#endif
