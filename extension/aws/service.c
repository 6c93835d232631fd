/*
 * service.c
 *		The table of services. See service.h.
 *
 * Facts of AWS's service models, compared with botocore's copy of them by t/014_aws_call.pl.
 */
#include "aws/service.h"

static const EtlAwsRestActions post_action_rest = {NULL, 0};

static const EtlAwsService services[] = {
	{"athena", NULL, AWS_PROTOCOL_JSON, "1.1", "AmazonAthena"},
	{"batch", NULL, AWS_PROTOCOL_REST, .rest = &batch_rest,
	 .lower_maps = " annotations capacityTags labels limits options parameters quotaShares requests "
				   "statusSummary tags "},
	{"cloudwatch", "monitoring", AWS_PROTOCOL_JSON, "1.0", "GraniteServiceVersion20100801",
	 .host = "monitoring", .signing = "monitoring"},
	{"dms", "databasemigration databasemigrationservice", AWS_PROTOCOL_JSON, "1.1", "AmazonDMSv20160101"},
	{"dynamodb", NULL, AWS_PROTOCOL_JSON, "1.0", "DynamoDB_20120810"},
	{"ec2", NULL, AWS_PROTOCOL_EC2, "2016-11-15", .names = &ec2_names},
	{"ecs", NULL, AWS_PROTOCOL_JSON, "1.1", "AmazonEC2ContainerServiceV20141113",
	 .lower_maps = " dockerLabels driverOpts labels options "},
	{"emr", "elasticmapreduce", AWS_PROTOCOL_JSON, "1.1", "ElasticMapReduce", .host = "elasticmapreduce",
	 .signing = "elasticmapreduce", .permission = "elasticmapreduce"},
	{"events", "eventbridge cloudwatchevents", AWS_PROTOCOL_JSON, "1.1", "AWSEvents"},
	{"glue", NULL, AWS_PROTOCOL_JSON, "1.1", "AWSGlue"},
	{"iam", NULL, AWS_PROTOCOL_QUERY, "2010-05-08", .names = &iam_names},
	{"kms", NULL, AWS_PROTOCOL_JSON, "1.1", "TrentService"},
	{"lakeformation", NULL, AWS_PROTOCOL_REST, .rest = &post_action_rest},
	{"lambda", NULL, AWS_PROTOCOL_REST, .rest = &lambda_rest},
	{"logs", "cloudwatchlogs", AWS_PROTOCOL_JSON, "1.1", "Logs_20140328",
	 .lower_maps =
		 " attributes deliverySourceConfiguration dimensions enumerations extractedValues histogram "
		 "keyAttributes logRecord tags "},
	{"quicksight", NULL, AWS_PROTOCOL_REST, .rest = &quicksight_rest},
	{"redshift", NULL, AWS_PROTOCOL_QUERY, "2012-12-01", .names = &redshift_names},
	{"redshift-data", NULL, AWS_PROTOCOL_JSON, "1.1", "RedshiftData"},
	{"redshift-serverless", NULL, AWS_PROTOCOL_JSON, "1.1", "RedshiftServerless",
	 .lower_maps = " lastIngestionTimes "},
	{"scheduler", NULL, AWS_PROTOCOL_REST, .rest = &scheduler_rest},
	{"secretsmanager", NULL, AWS_PROTOCOL_JSON, "1.1", "secretsmanager"},
	{"sns", NULL, AWS_PROTOCOL_QUERY, "2010-03-31", .names = &sns_names},
	{"sqs", NULL, AWS_PROTOCOL_JSON, "1.0", "AmazonSQS"},
	{"ssm", NULL, AWS_PROTOCOL_JSON, "1.1", "AmazonSSM"},
	{"states", "stepfunctions sfn", AWS_PROTOCOL_JSON, "1.0", "AWSStepFunctions",
	 .lower_maps = " assignedVariables variableReferences "},
	{"sts", NULL, AWS_PROTOCOL_QUERY, "2011-06-15", .names = &no_names},
};

/* Equal but for letter case and hyphens; b ends at a blank. */
static bool
same_name(const char *a, const char *b)
{
	for (;;)
	{
		while (*a == '-')
			a++;
		while (*b == '-')
			b++;
		if (*a == '\0' || *b == '\0' || *b == ' ')
			return *a == '\0' && (*b == '\0' || *b == ' ');
		if (pg_ascii_tolower((unsigned char) *a) != pg_ascii_tolower((unsigned char) *b))
			return false;
		a++;
		b++;
	}
}

const EtlAwsService *
service_find(const char *name)
{
	for (int i = 0; i < lengthof(services); i++)
	{
		if (same_name(name, services[i].name))
			return &services[i];
		for (const char *other = services[i].others; other != NULL; other = strchr(other, ' '))
		{
			other += *other == ' ';
			if (same_name(name, other))
				return &services[i];
		}
	}
	return NULL;
}

char *
service_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(services); i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", services[i].name);
	return names.data;
}

const EtlAwsRest *
service_rest(const EtlAwsService *service, const char *action)
{
	for (int i = 0; service->rest != NULL && i < service->rest->count; i++)
		if (strcmp(service->rest->actions[i].action, action) == 0)
			return &service->rest->actions[i];
	return NULL;
}

typedef struct ActionFact
{
	const char *service;
	const char *action;
	const char *fact;
} ActionFact;

static const char *
fact_find(const ActionFact *facts, int count, const EtlAwsService *service, const char *action)
{
	for (int i = 0; i < count; i++)
		if (strcmp(facts[i].service, service->name) == 0 && strcmp(facts[i].action, action) == 0)
			return facts[i].fact;
	return NULL;
}

/* Where the IAM action isn't called what the API's is. */
static const ActionFact permissions[] = {
	{"lambda", "Invoke", "InvokeFunction"},
	{"lambda", "InvokeAsync", "InvokeFunction"},
	{"lambda", "GetLayerVersionByArn", "GetLayerVersion"},
	{"sns", "PublishBatch", "Publish"},
	{"sqs", "SendMessageBatch", "SendMessage"},
	{"sqs", "DeleteMessageBatch", "DeleteMessage"},
	{"sqs", "ChangeMessageVisibilityBatch", "ChangeMessageVisibility"},
};

char *
service_permission(const EtlAwsService *service, const char *action)
{
	const char *named = fact_find(permissions, lengthof(permissions), service, action);

	return psprintf("%s:%s", service->permission != NULL ? service->permission : service->name,
					named != NULL ? named : action);
}

static const ActionFact host_prefixes[] = {
	{"states", "StartSyncExecution", "sync-"},	  {"states", "TestState", "sync-"},
	{"lakeformation", "GetQueryState", "query-"}, {"lakeformation", "GetQueryStatistics", "query-"},
	{"lakeformation", "GetWorkUnits", "query-"},  {"lakeformation", "StartQueryPlanning", "query-"},
};

const char *
service_host_prefix(const EtlAwsService *service, const char *action)
{
	const char *prefix = fact_find(host_prefixes, lengthof(host_prefixes), service, action);

	return prefix != NULL ? prefix : "";
}

static const ActionFact refusals[] = {
	{"lambda", "InvokeWithResponseStream", "It answers in a stream of events."},
	{"lakeformation", "GetWorkUnitResults", "It answers in a stream of bytes."},
	{"logs", "GetLogObject", "It answers in a stream of events."},
	{"logs", "StartLiveTail", "It answers in a stream of events."},
};

const char *
service_refusal(const EtlAwsService *service, const char *action)
{
	return fact_find(refusals, lengthof(refusals), service, action);
}

static const ActionFact secrets[] = {
	{"ec2", "CreateKeyPair", ""},
	{"ec2", "GetPasswordData", ""},
	{"iam", "CreateAccessKey", ""},
	{"iam", "CreateServiceSpecificCredential", ""},
	{"iam", "ResetServiceSpecificCredential", ""},
	{"kms", "Decrypt", ""},
	{"kms", "DeriveSharedSecret", ""},
	{"kms", "GenerateDataKey", ""},
	{"kms", "GenerateDataKeyPair", ""},
	{"kms", "GenerateRandom", ""},
	{"lakeformation", "AssumeDecoratedRoleWithSAML", ""},
	{"lakeformation", "GetTemporaryDataLocationCredentials", ""},
	{"lakeformation", "GetTemporaryGluePartitionCredentials", ""},
	{"lakeformation", "GetTemporaryGlueTableCredentials", ""},
	{"redshift", "GetClusterCredentials", ""},
	{"redshift", "GetClusterCredentialsWithIAM", ""},
	{"redshift-serverless", "GetCredentials", ""},
	{"secretsmanager", "BatchGetSecretValue", ""},
	{"secretsmanager", "GetRandomPassword", ""},
	{"secretsmanager", "GetSecretValue", ""},
	{"ssm", "GetParameter", ""},
	{"ssm", "GetParameterHistory", ""},
	{"ssm", "GetParameters", ""},
	{"ssm", "GetParametersByPath", ""},
	{"sts", "AssumeRole", ""},
	{"sts", "AssumeRoleWithSAML", ""},
	{"sts", "AssumeRoleWithWebIdentity", ""},
	{"sts", "AssumeRoot", ""},
	{"sts", "GetFederationToken", ""},
	{"sts", "GetSessionToken", ""},
	{"sts", "GetWebIdentityToken", ""},
};

bool
service_is_secret(const EtlAwsService *service, const char *action)
{
	return fact_find(secrets, lengthof(secrets), service, action) != NULL;
}

const EtlAwsPaging service_pagings[] = {
	{"NextToken", "NextToken"},
	{"nextToken", "nextToken"},
	{"NextMarker", "Marker"},
	{"Marker", "Marker"},
	{"LastEvaluatedKey", "ExclusiveStartKey"},
	{"LastEvaluatedTableName", "ExclusiveStartTableName"},
	{"LastEvaluatedBackupArn", "ExclusiveStartBackupArn"},
	{"nextForwardToken", "nextToken"},
	{"DefaultClusterParameters.Marker", "Marker"},
};
const int service_npagings = lengthof(service_pagings);
