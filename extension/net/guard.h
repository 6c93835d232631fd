/*
 * guard.h
 *		Which addresses a server that no superuser vouches for may reach.
 *
 * Whoever may create a foreign server chooses its endpoint. Without this he could have the database server read what
 * only it can reach: the cloud's metadata service, hosts of the private network, itself. Names don't matter, since
 * DNS can answer anything; the address that is about to be connected to does.
 */
#ifndef ETL_NET_GUARD_H
#define ETL_NET_GUARD_H

#include "base/platform.h"

#include <sys/socket.h>

/* True for an address of the public internet; anything not known to be one is not. */
extern bool guard_address_is_public(const struct sockaddr *address);

#endif
