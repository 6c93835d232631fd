/*
 * service_token.c
 *		Which member of a request tells AWS that it has had it before. See service.h.
 *
 * Facts of AWS's service models, compared with botocore's copy of them by t/014_aws_call.pl.
 */
#include "aws/service.h"

typedef struct Token
{
	const char *service;
	const char *member;
	const char *actions; /* a blank before and after each */
} Token;

/* clang-format off */
static const Token tokens[] = {
	{"athena", "ClientRequestToken",
	 " CreateNamedQuery CreateSystemTableConfiguration StartQueryExecution "},
	{"batch", "clientToken",
	 " SubmitServiceJob UpdateConsumableResource "},
	{"dynamodb", "ClientRequestToken",
	 " ExecuteTransaction TransactWriteItems "},
	{"dynamodb", "ClientToken",
	 " ExportTableToPointInTime ImportTable StartBulkPutItems "},
	{"ec2", "ClientToken",
	 " AllocateIpamPoolCidr AssociateApplicationStatusCheck AssociateClientVpnTargetNetwork"
	 " AssociateIpamResourceDiscovery AssociateNetworkingFlexCostAllocationPolicy"
	 " AssociateTrunkInterface AttachVerifiedAccessTrustProvider AuthorizeClientVpnIngress"
	 " BatchModifyIpamRoutingPolicyRegistrations CopyImage CopyVolumes CreateApplicationStatusCheck"
	 " CreateCapacityManagerDataExport CreateCapacityReservationBySplitting"
	 " CreateCapacityReservationCancellationQuote CreateCapacityReservationDateChangeQuote"
	 " CreateCapacityReservationFleet CreateCarrierGateway CreateClientVpnEndpoint"
	 " CreateClientVpnRoute CreateDelegateMacVolumeOwnershipTask CreateFleet CreateImageUsageReport"
	 " CreateInstanceConnectEndpoint CreateInterruptibleCapacityReservationAllocation CreateIpam"
	 " CreateIpamExternalResourceVerificationToken CreateIpamInternetRegistryAssociation"
	 " CreateIpamPolicy CreateIpamPool CreateIpamPrefixListResolver CreateIpamPrefixListResolverTarget"
	 " CreateIpamResourceDiscovery CreateIpamRoutingPolicyRegistration CreateIpamScope"
	 " CreateLaunchTemplate CreateLaunchTemplateVersion"
	 " CreateMacSystemIntegrityProtectionModificationTask CreateManagedPrefixList CreateMetricCategory"
	 " CreateNatGateway CreateNetworkAcl CreateNetworkInsightsAccessScope CreateNetworkInsightsPath"
	 " CreateNetworkInterface CreateNetworkingFlexCostAllocationPolicy CreateReplaceRootVolumeTask"
	 " CreateRouteServer CreateRouteServerEndpoint CreateRouteTable CreateSecondaryNetwork"
	 " CreateSecondarySubnet CreateTrafficMirrorFilter CreateTrafficMirrorFilterRule"
	 " CreateTrafficMirrorSession CreateTrafficMirrorTarget CreateVerifiedAccessEndpoint"
	 " CreateVerifiedAccessGroup CreateVerifiedAccessInstance CreateVerifiedAccessTrustProvider"
	 " CreateVolume DeleteApplicationStatusCheck DeleteIpamRoutingPolicyRegistration"
	 " DeleteSecondaryNetwork DeleteSecondarySubnet DeleteVerifiedAccessEndpoint"
	 " DeleteVerifiedAccessGroup DeleteVerifiedAccessInstance DeleteVerifiedAccessTrustProvider"
	 " DetachVerifiedAccessTrustProvider DisableApplicationStatusCheckSuppression"
	 " DisableCapacityManager DisassociateApplicationStatusCheck DisassociateTrunkInterface"
	 " EnableApplicationStatusCheckSuppression EnableCapacityManager"
	 " EnableIpamInternetRegistryAssociation ExportImage ModifyApplicationStatusCheck"
	 " ModifyClientVpnEndpointAuthorizationPolicy ModifyIpamPrefixListResolverTarget"
	 " ModifyIpamRoutingPolicyRegistration ModifyLaunchTemplate"
	 " ModifyNetworkingFlexCostAllocationPolicy ModifyVerifiedAccessEndpoint"
	 " ModifyVerifiedAccessEndpointPolicy ModifyVerifiedAccessGroup ModifyVerifiedAccessGroupPolicy"
	 " ModifyVerifiedAccessInstance ModifyVerifiedAccessInstanceLoggingConfiguration"
	 " ModifyVerifiedAccessTrustProvider MoveCapacityReservationInstances ProvisionIpamPoolCidr"
	 " PurchaseScheduledInstances RunInstances RunScheduledInstances"
	 " StartNetworkInsightsAccessScopeAnalysis StartNetworkInsightsAnalysis"
	 " UpdateCapacityManagerMonitoredTagKeys UpdateCapacityManagerOrganizationsAccess "},
	{"ecs", "clientToken",
	 " CreateGateway RunTask "},
	{"glue", "ClientToken",
	 " AssociateGlossaryTerms CreateDataQualityEvaluationConfig CreateGlossary CreateGlossaryTerm"
	 " DisassociateGlossaryTerms PublishDataQualityResultV2 PutAsset PutAssetType PutAttachment"
	 " PutDataCatalogExportConfiguration PutFormType UpdateAsset UpdateGlossary UpdateGlossaryTerm "},
	{"lambda", "ClientToken",
	 " CheckpointDurableExecution PauseDurableExecution ResumeDurableExecution "},
	{"logs", "clientToken",
	 " PutQueryDefinition "},
	{"quicksight", "ClientToken",
	 " CreateFlow UpdateFlow "},
	{"redshift-data", "ClientToken",
	 " BatchExecuteStatement ExecuteStatement "},
	{"redshift-serverless", "clientToken",
	 " CreateReservation "},
	{"scheduler", "ClientToken",
	 " CreateSchedule CreateScheduleGroup DeleteSchedule DeleteScheduleGroup UpdateSchedule "},
	{"secretsmanager", "ClientRequestToken",
	 " CreateSecret PutSecretValue RotateSecret UpdateSecret "},
	{"ssm", "ClientToken",
	 " CreateMaintenanceWindow CreatePatchBaseline DeleteInventory RegisterTargetWithMaintenanceWindow"
	 " RegisterTaskWithMaintenanceWindow "},
	{"states", "clientToken",
	 " RedriveExecution "},
};
/* clang-format on */

const char *
service_token(const char *service, const char *action)
{
	char *name = psprintf(" %s ", action);
	const char *member = NULL;

	for (int i = 0; i < lengthof(tokens); i++)
		if (strcmp(tokens[i].service, service) == 0 && strstr(tokens[i].actions, name) != NULL)
			member = tokens[i].member;
	pfree(name);
	return member;
}
