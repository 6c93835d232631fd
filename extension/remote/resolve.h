/*
 * resolve.h
 *		A host's addresses, looked up beside the process: libpq's own look-up can be neither waited for nor interrupted.
 *		Private to remote/.
 */
#ifndef ETL_REMOTE_RESOLVE_H
#define ETL_REMOTE_RESOLVE_H

#include "postgres.h"

#include "base/wait.h"

typedef struct EtlResolve EtlResolve;

typedef struct EtlAddresses
{
	int count;
	char *list;			 /* separated by commas, in the context that was current */
	const char *problem; /* if there is none: why */
} EtlAddresses;

/* NULL: libpq needs no look-up (an address, a socket's folder), or it can't be had and is left to libpq. */
extern EtlResolve *resolve_start(const char *host);
extern bool resolve_poll(EtlResolve *resolve, EtlWait *wait, EtlAddresses *addresses);
/* Whether or not it is through. */
extern void resolve_close(EtlResolve *resolve);

#endif
