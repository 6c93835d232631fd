/*
 * server.h
 *		An etl_aws foreign server: where AWS calls of the current user go.
 *
 *		CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1');
 *		CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '/srv/lake');
 *
 * Options: mode (aws | local), region, endpoint (a base URL for every service), path_style (bool), root
 * (local mode's directory; only a superuser or a member of pg_read_server_files and pg_write_server_files may set
 * it), credentials ('user_mapping', or where the database server's machine has them: only on a superuser's server), profile,
 * role_arn, external_id, role_session_name, use_fips, use_dualstack, requester_pays (bool), encryption ('AES256' | 'aws:kms' | 'aws:kms:dsse': of objects that are written),
 * kms_key_id.
 */
#ifndef ETL_AWS_SERVER_H
#define ETL_AWS_SERVER_H

#include "postgres.h"

typedef enum EtlAwsMode
{
	ETL_AWS_MODE_AWS,
	ETL_AWS_MODE_LOCAL
} EtlAwsMode;

typedef enum EtlAwsCredentialsOption
{
	ETL_AWS_CREDENTIALS_USER_MAPPING,
	/* The database server's own, so only where trusted: */
	ETL_AWS_CREDENTIALS_ENVIRONMENT,
	ETL_AWS_CREDENTIALS_PROFILE,
	ETL_AWS_CREDENTIALS_WEB_IDENTITY,
	ETL_AWS_CREDENTIALS_CONTAINER,
	ETL_AWS_CREDENTIALS_INSTANCE
} EtlAwsCredentialsOption;

typedef struct EtlAwsServer
{
	Oid serverid;
	char *name;
	EtlAwsMode mode;
	char *region; /* never NULL; us-east-1 unless set */
	char *endpoint; /* NULL: AWS's own */
	bool path_style; /* s3: bucket in the path, not in the host name */
	bool use_fips; /* AWS's FIPS 140 endpoints; not with a custom endpoint */
	bool use_dualstack; /* AWS's endpoints with IPv6; not with a custom endpoint */
	bool requester_pays; /* s3: x-amz-request-payer */
	char *encryption; /* s3: x-amz-server-side-encryption of what is written; NULL: the bucket's default */
	char *kms_key_id; /* NULL: the account's own key, aws/s3 */
	char *root; /* local mode: absolute, canonical */
	EtlAwsCredentialsOption credentials; /* where keys come from: credentials.h */
	char *profile; /* of the shared files; NULL: AWS_PROFILE's, or "default" */
	char *role_arn; /* those keys' owner assumes it, or a chain of them; NULL: none */
	char *external_id; /* that these roles ask for; NULL: none */
	char *role_session_name; /* NULL: pg_etl */
	bool trusted; /* owned by a superuser: may name private addresses, http and credentials of the machine */
} EtlAwsServer;

/*
 * The server called `name`, or for NULL the one that setting etl.aws_server names (default "aws"). Checks that the
 * current user has USAGE on it. Allocated in the current context. Raises 42704 with a hint that shows the CREATE
 * SERVER statement, 42501 without the privilege.
 */
extern EtlAwsServer *aws_server_get(const char *name);

/* A copy in the current context, which needs nothing of the original. */
extern EtlAwsServer *aws_server_copy(const EtlAwsServer *server);

#endif
