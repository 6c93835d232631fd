/*
 * credentials.h
 *		Who signs. Looked up once, in the catalogs; from then on it gives keys whenever a request needs some, also where
 *		no transaction is open: those of a role or of the machine are fetched, kept by the process while they are good,
 *		and renewed before they expire.
 *
 *		const EtlAwsCredentials *who = aws_credentials_get(server);
 *		EtlAwsKeys keys;
 *		while (!aws_credentials_poll(who, &keys, &wait)) …
 *
 * One file a provider: credentials_mapping.c, credentials_environment.c, credentials_profile.c,
 * credentials_web_identity.c, credentials_container.c, credentials_instance.c, and credentials_assume_role.c on top of
 * any of them. What is kept is in credentials_cache.c.
 */
#ifndef ETL_AWS_CREDENTIALS_H
#define ETL_AWS_CREDENTIALS_H

#include "postgres.h"

#include "aws/keys.h"
#include "aws/server.h"
#include "aws/sigv4.h"
#include "base/wait.h"

typedef struct EtlAwsCredentials EtlAwsCredentials;

/*
 * The current user's for the server, as its options say; the roles it names are assumed. Lives in the current context.
 * Raises 28000 with a hint that shows the CREATE USER MAPPING statement when there are none, 42501 for keys that are the
 * machine's own on a server that no superuser owns.
 */
extern EtlAwsCredentials *aws_credentials_get(const EtlAwsServer *server);

/*
 * The IAM role, which the server's own credentials assume (STS AssumeRole); for "arn1,arn2" the first role assumes the
 * second, and so on. NULL in local mode, where nobody signs.
 */
extern EtlAwsCredentials *aws_credentials_assume_role(const EtlAwsServer *server, const char *role_arn);

/* These keys and no others, as a statement brings them. */
extern EtlAwsCredentials *aws_credentials_static(const EtlAwsKeys *keys);

/* Nobody: requests go unsigned. `origin`: see aws_credentials_origin. */
extern EtlAwsCredentials *aws_credentials_nobody(const char *origin);

/* A copy in the current context, which needs nothing of the original. */
extern EtlAwsCredentials *aws_credentials_copy(const EtlAwsCredentials *credentials);

/*
 * Keys to sign with, now: false as long as they are being fetched (base/wait.h). Copies in the current context, to be
 * wiped. Raises when there are none to be had. Needs no transaction.
 */
extern bool aws_credentials_poll(const EtlAwsCredentials *credentials, EtlAwsKeys *keys, EtlWait *wait);
/* As above; waits right here. */
extern void aws_credentials_wait(const EtlAwsCredentials *credentials, EtlAwsKeys *keys);

/*
 * AWS refused the keys with this id as expired or unknown: forget them. True when others may be had in their place, so
 * that it is worth trying once more.
 */
extern bool aws_credentials_refused(const EtlAwsCredentials *credentials, const char *access_key_id);

/* Where the key that is made of these keys may be kept (aws/sigv4.h), as long as they are. */
extern EtlSigv4Key *aws_credentials_signing_key(const EtlAwsCredentials *credentials);

/* Where its keys come from, for a hint: "the environment that …". NULL: a user mapping. */
extern const char *aws_credentials_origin(const EtlAwsCredentials *credentials);

/* Tells who it is from everybody else: a hash in hex. */
extern const char *aws_credentials_id(const EtlAwsCredentials *credentials);

/* Raises 22023 unless it is the ARN of an IAM role, or a chain of them separated by commas. */
extern void aws_credentials_roles_check(const char *role_arn);

#endif
