/*
 * credentials_provider.h
 *		What the files of credentials.h share. Private to aws/credentials*.c.
 *
 * Who signs is a small tree: keys as they are, or a provider that gets them, for a role with who assumes it below it.
 * It is made of copies, so that it can outlive the catalogs' transaction.
 */
#ifndef ETL_AWS_CREDENTIALS_PROVIDER_H
#define ETL_AWS_CREDENTIALS_PROVIDER_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/sigv4.h"

/* Keys as a provider gets them. */
typedef struct EtlAwsTemporary
{
	EtlAwsKeys keys;
	int64 expires_at; /* Unix time; 0: they don't say */
} EtlAwsTemporary;

typedef struct EtlAwsProvider
{
	const char *name;

	/*
	 * Ask for keys, without waiting: start, then poll until it is through. Both raise when it fails, and run in a
	 * context of their own. Whatever the network does for it sets `progress` (net/http.h).
	 */
	void *(*start)(const EtlAwsCredentials *credentials, bool *progress);
	bool (*poll)(void *run, EtlAwsTemporary *out, EtlWait *wait);

	/* Instead of both: who it is at this moment. */
	EtlAwsCredentials *(*resolve)(const EtlAwsCredentials *credentials);
} EtlAwsProvider;

struct EtlAwsCredentials
{
	const EtlAwsProvider *provider; /* NULL: keys */
	EtlAwsKeys keys;
	char *origin;			   /* see aws_credentials_origin */
	EtlAwsServer *server;	   /* where STS is, and whose name an error has */
	EtlAwsCredentials *source; /* who assumes the role */
	char *role_arn;
	char *external_id; /* NULL: none */
	char *session_name;
	char *place; /* a token's file, a profile's name, a URI */
	char *token; /* what a container shows; NULL: none */
	char *token_file;
	char id[SIGV4_HEX_SIZE];
	EtlSigv4Key signing_key;
};

/* One of this provider, in the current context, with a copy of the server; to be completed, then identified. */
extern EtlAwsCredentials *credentials_make(const EtlAwsServer *server, const EtlAwsProvider *provider);
/* Computes its id from all it is made of. */
extern EtlAwsCredentials *credentials_identify(EtlAwsCredentials *credentials);

/* Overwrites its keys and tokens, and those of who assumes it. The rest goes with its context. */
extern void credentials_wipe(EtlAwsCredentials *credentials);

/* The providers that a server's options choose; in the current context, from the catalogs or the environment. */
extern EtlAwsCredentials *credentials_mapping_get(const EtlAwsServer *server);
extern EtlAwsCredentials *credentials_environment_get(const EtlAwsServer *server);
extern EtlAwsCredentials *credentials_profile_get(const EtlAwsServer *server);
extern EtlAwsCredentials *credentials_web_identity_get(const EtlAwsServer *server);
extern EtlAwsCredentials *credentials_container_get(const EtlAwsServer *server);
extern EtlAwsCredentials *credentials_instance_get(const EtlAwsServer *server);
/* A role that `source` assumes; external_id and session_name may be NULL. */
extern EtlAwsCredentials *credentials_role_make(const EtlAwsServer *server, const EtlAwsCredentials *source,
												const char *role_arn, const char *external_id,
												const char *session_name);
/* A role that whoever holds the token in the file may assume. */
extern EtlAwsCredentials *credentials_web_identity_make(const EtlAwsServer *server, const char *role_arn,
														const char *token_file, const char *session_name);

/* A variable of the server's environment that is set and not empty, or NULL. */
extern const char *credentials_environment_variable(const char *name);
/* The text of a small file that holds a secret, without the blanks at its end; NULL: errno says why not. */
extern char *credentials_file_read(const char *path, size_t limit);

/* credentials_cache.c: aws_credentials_poll and aws_credentials_refused for what has to be fetched. */
extern bool credentials_cache_poll(const EtlAwsCredentials *credentials, EtlAwsKeys *keys, EtlWait *wait);
extern void credentials_cache_forget(const EtlAwsCredentials *credentials, const char *access_key_id);

#endif
