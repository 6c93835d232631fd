/*
 * wait.c
 *		What waits notice. See wait.h.
 */
#include "postgres.h"

#include "base/wait.h"

EtlWatch wait_watch = {NULL, NULL};
