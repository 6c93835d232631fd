/*
 * server.h
 *		An etl_aws foreign server: where AWS calls of the current user go.
 *
 *		CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1');
 *		CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '/srv/lake');
 *
 * Options: mode (aws | local), region, endpoint (a base URL for every service), path_style (bool), root
 * (local mode's directory; only a superuser or a member of pg_read_server_files and pg_write_server_files may set
 * it), credentials ('user_mapping' | 'environment'; the latter only on a superuser-owned server), use_fips,
 * use_dualstack, requester_pays (bool), encryption ('AES256' | 'aws:kms' | 'aws:kms:dsse': of objects that are written),
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
	bool ambient; /* credentials 'environment' */
	bool trusted; /* owned by a superuser: may name private addresses, http and ambient credentials */

	/*
	 * Set by a caller that will use the server with no transaction open, so no catalog access: what
	 * aws_credentials_get answers from then on. NULL: looked up at each call.
	 */
	struct EtlAwsCredentials *credentials;
} EtlAwsServer;

/*
 * The server called `name`, or for NULL the one that setting etl.aws_server names (default "aws"). Checks that the
 * current user has USAGE on it. Allocated in the current context. Raises 42704 with a hint that shows the CREATE
 * SERVER statement, 42501 without the privilege.
 */
extern EtlAwsServer *aws_server_get(const char *name);

#endif
