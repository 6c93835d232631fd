/*
 * names.h
 *		How the query protocols (form in, XML out) write the members of a service's requests and answers, where it isn't
 *		by the rule. Pure.
 *
 * The JSON a caller has doesn't say it: the form of a list names its items, a map looks like a structure, EC2 has other
 * names on the wire. AWS's service models do; what deviates from the rules in protocol_query.c and answer_xml.c is in
 * tables here. A row is found by the longest suffix of a member's path, "Action.Member.Member", that has one.
 */
#ifndef ETL_AWS_NAMES_H
#define ETL_AWS_NAMES_H

#include "base/platform.h"

typedef struct EtlAwsName
{
	const char *path; /* a suffix, whole names; of an answer's elements in XML */
	const char *name; /* the member, written in the other way; NULL: by the rule */
	const char *
		kind; /* "item": a list whose items are called so; "key=value": a map with entries of such; NULL: by the rule */
} EtlAwsName;

/* Each sorted by path, in bytes. */
typedef struct EtlAwsNames
{
	const EtlAwsName *requests;
	int nrequests;
	const EtlAwsName *answers;
	int nanswers;
} EtlAwsNames;

extern const EtlAwsNames iam_names;
extern const EtlAwsNames redshift_names;
extern const EtlAwsNames sns_names;
extern const EtlAwsNames ec2_names;
extern const EtlAwsNames no_names;

/* The row for a path, or NULL. */
extern const EtlAwsName *names_find(const EtlAwsName *names, int count, const char *path);

#endif
