/*
 * target.h
 *		Where a warehouse is and who connects: what options.c reads from a foreign server and secret.c from a secret,
 *		and connection.c connects to. Private to remote/.
 */
#ifndef ETL_REMOTE_TARGET_H
#define ETL_REMOTE_TARGET_H

#include "postgres.h"

#include "aws/secrets.h"

#define ETL_WAREHOUSE_DEFAULT_PORT "5439"
#define ETL_WAREHOUSE_DEFAULT_SSLMODE "prefer"
#define ETL_WAREHOUSE_DEFAULT_TIMEOUT 30 /* seconds to connect */

typedef struct EtlWarehouseTarget
{
	const char *name; /* for errors: the server's name or the secret's id */
	char *host;
	char *port;
	char *dbname;
	bool dbname_of_secret; /* it comes from there */
	char *sslmode;
	char *user;
	char *password;		  /* NULL: none given */
	int connect_timeout;  /* seconds */
	bool trusted;		  /* a superuser's server: may name a Unix socket */
	bool password_needed; /* and the other side must have asked for it */

	/* A server with a secret: host, port, user, password and, unless set above, dbname come from there. */
	char *secret_id;  /* NULL: none */
	char *aws_server; /* NULL: the setting etl.aws_server */
} EtlWarehouseTarget;

/* What foreign server `name` and the current user's mapping say. Needs catalog access. */
extern void warehouse_target_from_server(const char *name, EtlWarehouseTarget *target);

/* Start reading the target's secret: needs catalog access. Then poll, which needs none, until it is filled in. */
extern EtlSecretRun *warehouse_secret_start(const EtlWarehouseTarget *target);
extern bool warehouse_secret_poll(EtlSecretRun *run, EtlWarehouseTarget *target, EtlWait *wait);

#endif
