/*
 * metadata.h
 *		One unsigned request to the metadata service of the machine or container that the server runs on.
 *
 * It is http by nature and at an address that the guard refuses, so this is for servers that a superuser owns. It is
 * near: no answer within two seconds is none.
 */
#ifndef ETL_AWS_METADATA_H
#define ETL_AWS_METADATA_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "net/http.h"

typedef struct EtlMetadataRun EtlMetadataRun;

/* Without waiting (base/wait.h); texts must stay as they are until it is through. `progress`: see EtlHttpRequest. */
extern EtlMetadataRun *metadata_start(const char *method, const char *url, const EtlHttpField *header,
									  bool *progress);
/*
 * What passes is tried again. True when it is through: then the status, and in `body` what came, to be wiped by the
 * caller. Raises 08001 or 08006 when there is no answer.
 */
extern bool metadata_poll(EtlMetadataRun *run, int *status, StringInfo body, EtlWait *wait);

#endif
