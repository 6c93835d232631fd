"""Who may do what: the users, roles and policies are moto's, made by tests through the IAM and STS services.

moto's own authorization looks at the action alone for most services and answers in IAM's error shape for all of
them, so the decision is taken here, with moto's policy evaluation, for every request: identity policies only, no
conditions. Who assumes a role must be let in by its trust policy as well, with its external id if that asks for one.
As on AWS, a missing object is a 403 to those who may not list its bucket.
"""
import json
from datetime import datetime, timezone
from urllib.parse import unquote

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.iam.access_control import CreateAccessKeyFailure, IAMPolicy, PermissionResult, create_access_key
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from errors import refusal

ALLOW_ALL = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


def create_admin():
    """Make the user that tests put their fixtures with; returns its access key id and secret."""
    iam = iam_backends[ACCOUNT]["aws"]
    iam.create_user("us-east-1", "admin", "/")
    iam.put_user_policy("admin", "everything", ALLOW_ALL)
    key = iam.create_access_key("admin")
    return key.access_key_id, key.secret_access_key


def identify(request):
    """The IAM user or assumed role behind the request's access key."""
    headers = {"X-Amz-Security-Token": request.headers["X-Amz-Security-Token"]} \
        if "X-Amz-Security-Token" in request.headers else {}
    try:
        principal = create_access_key(ACCOUNT, "aws", request.access_key_id, headers)
    except CreateAccessKeyFailure as failure:
        raise refusal(request, "bad_token" if failure.reason == "InvalidToken" else "unknown_key",
                      extra={"AWSAccessKeyId": request.access_key_id}) from None
    for role in sts_backends[ACCOUNT]["aws"].assumed_roles:
        if role.access_key_id == request.access_key_id and role.expiration < datetime.now(timezone.utc).replace(
                tzinfo=role.expiration.tzinfo):
            raise refusal(request, "expired_token")
    return principal


def is_allowed(principal, action, resource):
    allowed = False
    for policy in principal.collect_policies():
        result = IAMPolicy(policy).is_action_permitted(action, resource)
        if result == PermissionResult.DENIED:
            return False
        allowed = allowed or result == PermissionResult.PERMITTED
    return allowed


def authorize(request, principal):
    for action, resource in _needs(request):
        if not is_allowed(principal, action, resource):
            raise denial(request, principal, action, resource)
    if request.service == "sts" and request.action == "AssumeRole":
        check_trust(request, principal)


def check_trust(request, principal):
    """Does the role that is to be assumed trust the principal, or for None whoever has a web identity?"""
    arn = request.form.get("RoleArn", "")
    name = principal.arn if principal else "a web identity"
    role = next((role for role in iam_backends[ACCOUNT]["aws"].roles.values() if role.arn == arn), None)
    document = role.assume_role_policy_document if role else "{}"
    if not any(_trusts(statement, request, principal) for statement in json.loads(document).get("Statement", ())):
        raise refusal(request, "denied", f"User: {name} is not authorized to perform: sts:{request.action} on resource: "
                      f"{arn}")


def _trusts(statement, request, principal):
    trusted = statement.get("Principal", {})
    trusted = trusted.get("AWS" if principal else "Federated", []) if isinstance(trusted, dict) else trusted
    trusted = [trusted] if isinstance(trusted, str) else trusted
    wanted = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
    return (statement["Effect"] == "Allow" and statement["Action"] == f"sts:{request.action}"
            and ("*" in trusted or (_identity(principal) in trusted if principal else bool(trusted)))
            and wanted in (None, request.form.get("ExternalId")))


def _identity(principal):
    """A session's principal is its role."""
    if ":assumed-role/" not in principal.arn:
        return principal.arn
    return f"arn:aws:iam::{ACCOUNT}:role/{principal.arn.split('/')[1]}"


def denial(request, principal, action, resource):
    return refusal(request, "denied", f"User: {principal.arn} is not authorized to perform: {action} on resource: "
                   f"{resource} because no identity-based policy allows the {action} action")


def may_list(request, principal):
    return is_allowed(principal, "s3:ListBucket", f"arn:aws:s3:::{request.bucket}")


def _needs(request):
    """The (action, resource) pairs that the request takes permission for."""
    if request.service == "s3":
        return _s3_needs(request)
    if request.service == "sts" and request.action == "GetCallerIdentity":
        return []
    action = "InvokeFunction" if (request.service, request.action) == ("lambda", "Invoke") else request.action
    return [(f"{request.service}:{action}", _resource(request))]


def _resource(request):
    names = request.json_body() if request.is_json else request.form
    arn = next((names[name] for name in ("TopicArn", "SecretArn", "RoleArn", "stateMachineArn") if names.get(name)),
               None)
    if arn:
        return arn
    prefix = f"arn:aws:{request.service}:{request.region}:{ACCOUNT}:"
    if names.get("QueueUrl"):
        return prefix + names["QueueUrl"].rpartition("/")[2]
    if names.get("SecretId"):
        secret = names["SecretId"]
        return secret if secret.startswith("arn:") else prefix + "secret:" + secret + "-AAAAAA"
    return "*"


def _s3_needs(request):
    bucket, key, query, method = request.bucket, request.key, request.has_query, request.method
    if not bucket:
        return [("s3:ListAllMyBuckets", "*")]
    arn = f"arn:aws:s3:::{bucket}"
    if key:
        if "uploadId" in query and method in ("GET", "DELETE"):
            action = "s3:ListMultipartUploadParts" if method == "GET" else "s3:AbortMultipartUpload"
        else:
            action = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "DELETE": "s3:DeleteObject"}.get(
                method, "s3:PutObject")
            if "versionId" in query and method in ("GET", "HEAD", "DELETE"):
                action += "Version"
        needs = [(action, f"{arn}/{key}")]
        source = request.headers.get("x-amz-copy-source")
        if source:
            needs.append(("s3:GetObject", "arn:aws:s3:::" + unquote(source).lstrip("/").partition("?")[0]))
        return needs
    if method == "POST" and "delete" in query:
        return []  # key by key: s3_writes.py
    if method == "GET" and "uploads" in query:
        return [("s3:ListBucketMultipartUploads", arn)]
    if "versions" in query and method == "GET":
        return [("s3:ListBucketVersions", arn)]
    for name, subject in (("location", "BucketLocation"), ("notification", "BucketNotification"),
                          ("policy", "BucketPolicy"), ("versioning", "BucketVersioning")):
        if name in query:
            return [({"GET": "s3:Get", "PUT": "s3:Put"}.get(method, "s3:Delete") + subject, arn)]
    action = {"GET": "s3:ListBucket", "HEAD": "s3:ListBucket", "DELETE": "s3:DeleteBucket"}.get(
        method, "s3:CreateBucket")
    return [(action, arn)]
