/*
 * secrets.h
 *		AWS Secrets Manager: GetSecretValue. In local mode a secret is a row of etl.local_secret.
 */
#ifndef ETL_AWS_SECRETS_H
#define ETL_AWS_SECRETS_H

#include "postgres.h"

#include "aws/server.h"
#include "base/wait.h"

/*
 * The secret's value: SecretString, or SecretBinary decoded from base64 when that is what there is. Allocated in
 * the current context; the caller wipes it when done (explicit_bzero) and never puts it into an error.
 */
extern char *secrets_value_get(const EtlAwsServer *server, const char *secret_id);

/* The form that doesn't wait (base/wait.h): start it, then poll until there is a value. */
typedef struct EtlSecretRun EtlSecretRun;
extern EtlSecretRun *secrets_value_start(const EtlAwsServer *server, const char *secret_id);
extern char *secrets_value_poll(EtlSecretRun *run, EtlWait *wait);

#endif
