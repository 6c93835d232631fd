"""What a machine or container on AWS finds beside it: the instance metadata service and the container's credentials.

POST /_control/machine says what there is, a JSON object; what is left out is not there:
    role                    ARN of the role of instance and container
    authorization           what the container must show as Authorization
    web_identity_token      what AssumeRoleWithWebIdentity must show; any other is refused
    lifetime                seconds that keys live (default 3600)
Then, unsigned, over the same port:
    PUT /latest/api/token, GET /latest/meta-data/iam/security-credentials/[NAME]    IMDS version 2; version 1 is off
    GET /container/credentials
The keys are a session's of moto's, so they sign, and expire, as all others.
"""
import json
import secrets
from datetime import datetime, timedelta, timezone

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.sts.models import sts_backends

CREDENTIALS = "/latest/meta-data/iam/security-credentials/"
CONTAINER = "/container/credentials"
KNOWN = {"role", "authorization", "web_identity_token", "lifetime"}


class Machine:
    def __init__(self):
        self.set({})

    def set(self, settings):
        unknown = set(settings) - KNOWN
        if unknown:
            raise ValueError(f"machine: unknown {sorted(unknown)}")
        self._settings = settings
        self._tokens = set()

    def serves(self, target, headers):
        """Signed requests of that path are S3's."""
        return (target.startswith("/latest/") or target == CONTAINER) and \
            not headers.get("Authorization", "").startswith("AWS4-")

    def answer(self, method, target, headers):
        """(service, status, headers, body)"""
        if target == CONTAINER:
            return ("container", *self._container(method, headers))
        return ("imds", *self._instance(method, target, headers))

    def web_identity_is(self, token):
        return token is not None and token == self._settings.get("web_identity_token")

    def _container(self, method, headers):
        if method != "GET" or headers.get("Authorization") != self._settings.get("authorization"):
            return self._json(401, {"code": "Unauthorized", "message": "The authorization token is invalid."})
        if "role" not in self._settings:
            return self._json(404, {"code": "NotFound", "message": "There are no credentials."})
        return self._json(200, self._keys("container"))

    def _instance(self, method, target, headers):
        if target == "/latest/api/token":
            lifetime = headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
            if method != "PUT" or "X-Forwarded-For" in headers:
                return self._text(403, "")
            if not lifetime.isdigit() or not 1 <= int(lifetime) <= 21600:
                return self._text(400, "")
            token = secrets.token_urlsafe(40)
            self._tokens.add(token)
            return self._text(200, token)
        if method != "GET" or headers.get("X-aws-ec2-metadata-token") not in self._tokens:
            return self._text(401, "")
        name = self._settings.get("role", "").rpartition("/")[2]
        if not name or not target.startswith(CREDENTIALS):
            return self._text(404, "")
        if target == CREDENTIALS:
            return self._text(200, name)
        if target != CREDENTIALS + name:
            return self._text(404, "")
        return self._json(200, {"Code": "Success", "Type": "AWS-HMAC", **self._keys("i-0123456789abcdef0")})

    def _keys(self, session_name):
        lifetime = self._settings.get("lifetime", 3600)
        session = sts_backends[ACCOUNT]["aws"].assume_role(
            region_name="us-east-1", role_session_name=session_name, role_arn=self._settings["role"], policy=None,
            duration=lifetime, external_id=None)
        expires = datetime.now(timezone.utc) + timedelta(seconds=lifetime)
        return {"AccessKeyId": session.access_key_id, "SecretAccessKey": session.secret_access_key,
                "Token": session.session_token, "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}

    @staticmethod
    def _json(status, body):
        return status, {"Content-Type": "application/json"}, json.dumps(body).encode()

    @staticmethod
    def _text(status, body):
        return status, {"Content-Type": "text/plain"}, body.encode()


def expire_sessions():
    """The keys of every session that there is are too old from now on."""
    for session in sts_backends[ACCOUNT]["aws"].assumed_roles:
        session.expiration = session.expiration.replace(year=2000)
