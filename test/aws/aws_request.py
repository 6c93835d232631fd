"""One HTTP request as AWS sees it: which service and action, which bucket and key, signed by whom.

Knows both ways to address a bucket (http://host/bucket/key and http://bucket.host/key) and the four ways to name
an action: S3's method and path, the X-Amz-Target header of the JSON protocols, the form of the query protocol, and method
and path of the REST services, which botocore's models of them tell.
"""
import functools
import json
import re
from urllib.parse import parse_qsl, unquote

import botocore.session

import presigned

# bucket.localhost, bucket.127.0.0.1, bucket.name.example, bucket.s3.amazonaws.com, bucket.s3.eu-west-1.amazonaws.com
VIRTUAL_HOST = re.compile(r"^(.+?)\.(?:localhost|127\.0\.0\.1|[a-z0-9-]+\.example|s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com)$")
AUTHORIZATION = re.compile(r"^AWS4-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*"
                           r"Signature=([0-9a-f]{64})$")
TARGET_SERVICES = {"secretsmanager": "secretsmanager", "AmazonSQS": "sqs", "AWSGlue": "glue",
                   "RedshiftData": "redshift-data", "AWSStepFunctions": "states", "AmazonAthena": "athena"}
REST_SERVICES = {"batch", "lakeformation", "lambda", "quicksight", "scheduler"}


@functools.cache
def _rest_actions(service):
    """(method, pattern of the path, action) of each; those with fewer labels first."""
    model = botocore.session.get_session().get_service_model(service)
    actions = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].partition("?")[0].rstrip("/")
        pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part)
                          for part in re.split(r"(\{[^}]+\})", path))
        actions.append((path.count("{"), http["method"], re.compile(pattern + "/?"), name))
    return sorted(actions, key=lambda action: action[0])


def _rest_action(service, method, path):
    return next((name for _, wanted, pattern, name in _rest_actions(service)
                 if wanted == method and pattern.fullmatch(path)), None)


class AwsRequest:
    def __init__(self, method, target, headers, body):
        self.method = method
        self.headers = headers
        self.body = body
        self.raw_path, _, self.raw_query = target.partition("?")
        self.query = parse_qsl(self.raw_query, keep_blank_values=True)
        self.host = headers.get("Host", "")
        self._parse_authorization()
        self.form = {}
        if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            self.form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        prefix, _, action = headers.get("X-Amz-Target", "").rpartition(".")
        self.is_json = bool(action)
        self.action = action or self.form.get("Action")
        if not self.service:
            self.service = TARGET_SERVICES.get(prefix.split("_")[0], "s3") if action else \
                "query" if self.action else "s3"
        self.is_rest = self.service in REST_SERVICES
        if self.is_rest:
            self.action = _rest_action(self.service, method, self.raw_path)
        self.bucket = self.key = None
        if self.service == "s3":
            self._parse_bucket()

    def _parse_authorization(self):
        self.service = self.region = self.access_key_id = None
        self.authorization = AUTHORIZATION.match(self.headers.get("Authorization", "").strip())
        self.is_presigned = False
        if "Authorization" not in self.headers:
            self.authorization = presigned.authorization_of(self)
            self.is_presigned = self.authorization is not None
        if self.authorization:
            scope = self.authorization[1].split("/")
            if len(scope) == 5 and scope[4] == "aws4_request":
                self.access_key_id, _, self.region, self.service, _ = scope
            else:
                self.authorization = None

    def _parse_bucket(self):
        virtual = VIRTUAL_HOST.match(self.host.rpartition(":")[0] or self.host)
        if virtual:
            self.raw_path = "/" + virtual[1] + self.raw_path
            self.signed_path = self.raw_path[len(virtual[1]) + 1:]
        else:
            self.signed_path = self.raw_path
        bucket, _, key = self.raw_path[1:].partition("/")
        self.bucket, self.key = unquote(bucket) or None, unquote(key) or None

    @property
    def canonical_source_path(self):
        """The path the client signed: before the bucket of the host name is put in front of it."""
        return self.signed_path if self.service == "s3" else self.raw_path

    @property
    def has_query(self):
        return {name for name, _ in self.query}

    def json_body(self):
        try:
            body = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
