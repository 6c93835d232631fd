"""Verifies AWS Signature Version 4, as strictly as AWS does.

moto's own check trusts the payload hash, the date and the scope that the client sends, and leaves headers out of
account; what passes it may still be refused by AWS. This one recomputes all of it from the bytes received. Not
verified: the signatures of the single chunks of an aws-chunked body (the first one, over the headers, is).
"""
import base64
import hashlib
import hmac
import re
import zlib
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, unquote, unquote_plus

import checksums
import presigned
from errors import AwsError, refusal

MAX_SKEW = timedelta(minutes=15)
NOT_HASHED = ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
              "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")


def verify(request, secret_access_key, now):
    """Raises AwsError unless the request was signed with the key, within fifteen minutes of now."""
    if request.is_presigned:
        presigned.verify(request, secret_access_key, now, _canonical_path(request), _canonical_query(request),
                         _canonical_headers)
        return
    access_key_id = request.access_key_id
    scope = request.authorization[1].partition("/")[2]
    signed_headers = request.authorization[2].split(";")
    timestamp = _check_date(request, scope, now)
    _check_signed_headers(request, signed_headers)
    payload_hash = _payload_hash(request)

    canonical = "\n".join((request.method, _canonical_path(request), _canonical_query(request),
                           _canonical_headers(request, signed_headers), ";".join(signed_headers), payload_hash))
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"
    signing_key = ("AWS4" + secret_access_key).encode()
    for part in scope.split("/"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    signature = hmac.digest(signing_key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(signature, request.authorization[3]):
        raise refusal(request, "signature", extra={
            "AWSAccessKeyId": access_key_id, "StringToSign": to_sign, "SignatureProvided": request.authorization[3],
            "CanonicalRequest": canonical})


def _check_date(request, scope, now):
    timestamp = request.headers.get("X-Amz-Date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", timestamp):
        raise refusal(request, "malformed", "a valid x-amz-date header is required")
    if timestamp[:8] != scope[:8]:
        raise refusal(request, "malformed", "the credential's date does not match x-amz-date")
    signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    if abs(now - signed_at) > MAX_SKEW:
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        raise refusal(request, "skew", f"{timestamp} is not within 15 min. of {stamp}",
                      extra={"RequestTime": timestamp, "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                             "MaxAllowedSkewMilliseconds": 900000})
    return timestamp


def _check_signed_headers(request, signed_headers):
    present = {name.lower() for name in request.headers.keys()}
    required = {name for name in present if name.startswith("x-amz-")} | {"host"}
    if signed_headers != sorted(set(signed_headers)):
        raise refusal(request, "malformed", "SignedHeaders must be sorted and in lower case")
    missing = required - set(signed_headers)
    if missing:
        raise refusal(request, "signature" if request.service != "s3" else "denied",
                      "There were headers present in the request which were not signed",
                      extra={"HeadersNotSigned": ", ".join(sorted(missing))})


def _payload_hash(request):
    claimed = request.headers.get("X-Amz-Content-Sha256")
    actual = hashlib.sha256(request.body).hexdigest()
    if request.service != "s3":
        return actual
    if claimed is None:
        raise AwsError(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if claimed in NOT_HASHED:
        return claimed
    if claimed != actual:
        raise AwsError(400, "XAmzContentSHA256Mismatch",
                       "The provided 'x-amz-content-sha256' header does not match what was computed.",
                       extra={"ClientComputedContentSHA256": claimed, "S3ComputedContentSHA256": actual})
    _check_digests(request)
    return claimed


def _check_digests(request):
    body = request.body
    digests = {"Content-MD5": lambda: hashlib.md5(body).digest(),
               "x-amz-checksum-sha256": lambda: hashlib.sha256(body).digest(),
               "x-amz-checksum-sha1": lambda: hashlib.sha1(body).digest(),
               "x-amz-checksum-crc32": lambda: zlib.crc32(body).to_bytes(4, "big"),
               "x-amz-checksum-crc32c": lambda: checksums.crc32c(body).to_bytes(4, "big")}
    if request.method == "POST" and "uploadId" in request.has_query:
        return  # there it is the checksum of the object: s3_writes.py
    for name, digest in digests.items():
        claimed = request.headers.get(name)
        if claimed is not None and claimed != base64.b64encode(digest()).decode():
            raise AwsError(400, "BadDigest", f"The {name} you specified did not match what we received.")


def _canonical_path(request):
    path = request.canonical_source_path or "/"
    if request.service == "s3":  # the decoded path, encoded once: however the client spelt it
        return quote(unquote(path, "latin-1"), safe="/-_.~", encoding="latin-1")
    return quote(path, safe="/-_.~")


def _canonical_query(request):
    pairs = []
    for part in request.raw_query.split("&") if request.raw_query else ():
        name, _, value = part.partition("=")
        pairs.append(tuple(quote(unquote_plus(text, "latin-1"), safe="-_.~", encoding="latin-1")
                           for text in (name, value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _canonical_headers(request, signed_headers):
    lines = []
    for name in signed_headers:
        values = request.headers.get_all(name) or [""]
        lines.append(name + ":" + ",".join(" ".join(value.split()) for value in values) + "\n")
    return "".join(lines)
