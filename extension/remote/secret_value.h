/*
 * secret_value.h
 *		What is in a secret that describes a warehouse: the JSON object that Amazon Redshift's own secrets are. Pure.
 *
 *		{"host": "…", "port": 5439, "username": "…", "password": "…", "dbname": "dev", "engine": "redshift"}
 */
#ifndef ETL_REMOTE_SECRET_VALUE_H
#define ETL_REMOTE_SECRET_VALUE_H

#include "base/error.h"

typedef struct EtlWarehouseSecret
{
	char *host;
	char *port; /* a valid one */
	char *user;
	char *password; /* to be wiped */
	char *dbname;	/* NULL: it wasn't wanted */
} EtlWarehouseSecret;

/*
 * False with 22023 when the secret isn't one such object; nothing is set then. Errors name the secret and the key that is
 * wrong, never a value. The caller wipes the JSON.
 */
extern bool warehouse_secret_parse(const char *json, size_t size, const char *secret_id, bool with_dbname,
								   EtlWarehouseSecret *out, EtlError *error);

/* Is this a port number? Whatever else it is, it is not for libpq. */
extern bool warehouse_port_valid(const char *port);

#endif
