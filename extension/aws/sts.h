/*
 * sts.h
 *		AWS Security Token Service: AssumeRole.
 */
#ifndef ETL_AWS_STS_H
#define ETL_AWS_STS_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/server.h"
#include "datatype/timestamp.h"

/* Temporary credentials of the role, and when they expire. Raises when AWS refuses. */
extern EtlAwsCredentials *sts_assume_role(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
										  const char *role_arn, TimestampTz *expires_at);

#endif
