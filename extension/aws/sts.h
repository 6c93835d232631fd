/*
 * sts.h
 *		AWS Security Token Service: temporary keys of a role.
 */
#ifndef ETL_AWS_STS_H
#define ETL_AWS_STS_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/server.h"

#define STS_SESSION_NAME "pg_etl" /* as CloudTrail shows it, unless told another */

typedef struct EtlStsRole
{
	const EtlAwsServer *server;
	const char *role_arn;
	const char *session_name;
	const char *external_id; /* NULL: none */
} EtlStsRole;

/*
 * Without waiting (base/wait.h): start, then poll until it is through. Raises when AWS refuses. Server and credentials must
 * stay as they are until then. `progress`: see EtlHttpRequest.
 */
typedef struct EtlStsRun EtlStsRun;
extern EtlStsRun *sts_assume_role_start(const EtlStsRole *role, const EtlAwsCredentials *credentials,
										bool *progress);
/* As whoever holds the token; wipes it when it is through. */
extern EtlStsRun *sts_web_identity_start(const EtlStsRole *role, char *token, bool *progress);
extern bool sts_poll(EtlStsRun *run, EtlAwsKeys *keys, int64 *expires_at, EtlWait *wait);

/* What IAM takes for them; raise 22023. */
extern void sts_session_name_check(const char *what, const char *name);
extern void sts_external_id_check(const char *what, const char *external_id);

#endif
