/*
 * secrets.h
 *		AWS Secrets Manager: GetSecretValue. In local mode a secret is a row of etl.local_secret.
 *
 * A value is kept by the process for five minutes, for who may read it. Whoever finds that it is no good, as when a
 * password was changed, has it renewed. What is in local mode isn't kept: it is a row.
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

/*
 * The value was no good. If it was a kept one, forget it and ask anew: true, and then poll as before; secrets_value_changed
 * says whether that brought another value. Needs no transaction.
 */
extern bool secrets_value_renew(EtlSecretRun *run);
extern bool secrets_value_changed(const EtlSecretRun *run);

#endif
