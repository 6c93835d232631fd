/*
 * local_call.h
 *		What local mode has in place of AWS's services.
 */
#ifndef ETL_AWS_LOCAL_CALL_H
#define ETL_AWS_LOCAL_CALL_H

#include "postgres.h"

#include "aws/server.h"
#include "utils/jsonb.h"

/* The answer that the service would give. Raises 0A000 for an action that has no stand-in. */
extern Jsonb *local_call(const EtlAwsServer *server, const char *service, const char *action, Jsonb *input);

#endif
