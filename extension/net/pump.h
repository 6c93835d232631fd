/*
 * pump.h
 *		Transfers of libcurl's, driven together. For http.c; everybody else has http.h.
 *
 * All transfers of a process share one multi handle, which keeps its connections for the life of the process.
 */
#ifndef ETL_NET_PUMP_H
#define ETL_NET_PUMP_H

#include <curl/curl.h>

/* What is known of a transfer. Stays where it is as long as the transfer is in the pump. */
typedef struct EtlPumpState
{
	bool *progress; /* set when the transfer is done, and by its own callbacks; cleared by who waits for it */
	bool done;	   /* result is known */
	bool reading;  /* who waits for it waits for its body */
	CURLcode result;
	curl_socket_t socket; /* its connection's, while it has one */
} EtlPumpState;

extern void pump_init(void);
/* The file of certificate authorities that AWS_CA_BUNDLE in the server's environment names; NULL: the system's. */
extern const char *pump_authorities(void);
/* False: out of memory. */
extern bool pump_add(CURL *easy, EtlPumpState *state);
extern void pump_remove(CURL *easy);
/*
 * Wait for the next thing to happen to any transfer of this process, and let curl act on it. `first`, if not NULL, is the
 * transfer that is waited for: as long as there is something for it, the others have to wait for a few milliseconds.
 */
extern void pump_wait(const EtlPumpState *first);
/* Let curl act on what has come, without waiting, if it hasn't for those few milliseconds: for who is busy with other things. */
extern void pump_poll(void);
/* Let curl do what it has put off, without a look at what has come. */
extern void pump_catch_up(void);

#endif
