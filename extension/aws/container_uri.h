/*
 * container_uri.h
 *		Where a container may ask for credentials. Pure.
 */
#ifndef ETL_AWS_CONTAINER_URI_H
#define ETL_AWS_CONTAINER_URI_H

#include "base/error.h"

/*
 * May a token be shown to this URI (AWS_CONTAINER_CREDENTIALS_FULL_URI)? With https to any host; with http to this
 * machine, and to the addresses at which ECS (169.254.170.2) and EKS (169.254.170.23, fd00:ec2::23) answer. False with
 * 22023.
 */
extern bool container_uri_check(const char *uri, EtlError *error);

#endif
