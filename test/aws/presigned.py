"""Verifies presigned URLs: requests whose signature is in the query string instead of the Authorization header."""
import hashlib
import hmac
import re
from datetime import datetime, timedelta, timezone

from errors import AwsError, refusal

LONGEST = 7 * 24 * 3600


def authorization_of(request):
    """What the Authorization header would say, or None when the URL is not a presigned one."""
    query = dict(request.query)
    if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" or "X-Amz-Signature" not in query:
        return None
    return {1: query.get("X-Amz-Credential", ""), 2: query.get("X-Amz-SignedHeaders", ""), 3: query["X-Amz-Signature"]}


def verify(request, secret_access_key, now, canonical_path, canonical_query, canonical_headers):
    query = dict(request.query)
    timestamp, expires = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", timestamp) or not expires.isdigit() or not 0 < int(expires) <= LONGEST:
        raise AwsError(400, "AuthorizationQueryParametersError", "X-Amz-Date or X-Amz-Expires is not valid")
    signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    if now < signed_at - timedelta(minutes=15) or now > signed_at + timedelta(seconds=int(expires)):
        raise AwsError(403, "AccessDenied", "Request has expired")
    signed_headers = request.authorization[2].split(";")
    if "host" not in signed_headers:
        raise refusal(request, "malformed", "the host must be signed")
    scope = request.authorization[1].partition("/")[2]
    pairs = [pair for pair in canonical_query.split("&") if not pair.startswith("X-Amz-Signature=")]
    canonical = "\n".join((request.method, canonical_path, "&".join(pairs), canonical_headers(request, signed_headers),
                           ";".join(signed_headers), "UNSIGNED-PAYLOAD"))
    to_sign = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n" + hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    key = ("AWS4" + secret_access_key).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), request.authorization[3]):
        raise refusal(request, "signature", extra={"StringToSign": to_sign, "CanonicalRequest": canonical})
