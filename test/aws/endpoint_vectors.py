"""Hosts of AWS's services by botocore's rules: what test/unit/endpoint_vectors.txt holds.

    endpoint_vectors.py > test/unit/endpoint_vectors.txt      write them
    endpoint_vectors.py test/unit/endpoint_vectors.txt        compare, as t/014_aws_call.pl does: silent if they agree

A line is: endpoint prefix, region, FIPS, dual stack, host (- for none that pg_etl would use), region to sign for.
"""
import sys

import botocore.session
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import BotoCoreError

SERVICES = ("athena batch cloudwatch dms dynamodb ec2 ecs emr events glue iam kms lakeformation lambda logs quicksight "
            "redshift redshift-data redshift-serverless s3 scheduler secretsmanager sns sqs ssm stepfunctions sts").split()
REGIONS = ("us-east-1 eu-central-1 cn-north-1 us-gov-west-1 us-gov-east-1 us-iso-east-1 us-isob-east-1 eu-isoe-west-1 "
           "us-isof-south-1 eusc-de-east-1").split()


def no_host(service, region, fips, dualstack):
    """What the rules of IAM, the one service that a partition has one of, make up for partitions that never announced it."""
    return service == "iam" and not region.startswith(("us-east", "eu-central", "us-gov")) and (
        fips or (dualstack and not region.startswith("cn-")))


def vectors():
    loader = botocore.session.get_session().get_component("data_loader")
    partitions = loader.load_data("partitions")
    for service in SERVICES:
        prefix = loader.load_service_model(service, "service-2")["metadata"]["endpointPrefix"]
        rules = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region in REGIONS:
            for fips in (0, 1):
                for dualstack in (0, 1):
                    host, signs = "-", region
                    try:
                        found = rules.resolve_endpoint(Region=region, UseFIPS=bool(fips), UseDualStack=bool(dualstack))
                        if not no_host(service, region, fips, dualstack):
                            host = found.url.removeprefix("https://")
                            signs = (found.properties.get("authSchemes") or [{}])[0].get("signingRegion") or region
                    except BotoCoreError:
                        pass
                    yield f"{prefix} {region} {fips} {dualstack} {host} {signs}"


def main():
    expected = list(vectors())
    if len(sys.argv) < 2:
        print("\n".join(expected))
        return
    with open(sys.argv[1]) as file:
        found = file.read().splitlines()
    for line in sorted(set(expected) ^ set(found)):
        print(("botocore has " if line in expected else "botocore has not ") + line)


main()
