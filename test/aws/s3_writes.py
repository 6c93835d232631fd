"""S3's rules for writing in parts, copying and deleting many, where moto has none or others.

    uploads     an id that is completed, aborted or made up is NoSuchUpload; ListMultipartUploads says when each was begun, and encodes
                keys; a checksum of the whole object (FULL_OBJECT) is verified when the upload is completed
    copies      x-amz-copy-source-if-match
    deletions   DeleteObjects must carry Content-MD5 or a checksum; each key is authorized by itself
"""
import base64
import re
import threading
from datetime import datetime, timezone
from urllib.parse import quote_plus, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape, unescape

import access
import checksums
from errors import AwsError
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.s3.models import s3_backends

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
NO_SUCH_UPLOAD = ("The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
                  "aborted or completed.")

lock = threading.Lock()
uploads = {}  # id: begun, summed (a checksum of the whole is kept), parts {number: (crc, size)}


def perform(request, principal, go_on):
    """(status, headers, body) of an S3 request that is signed and allowed; go_on(request) asks moto."""
    query = dict(request.query)
    if request.key is None:
        if request.method == "POST" and "delete" in query:
            return _delete_many(request, principal, go_on)
        answer = go_on(request)
        return _list(answer, query) if request.method == "GET" and "uploads" in query else answer
    if "x-amz-copy-source" in request.headers:
        _check_source(request)
    if request.method == "POST" and "uploads" in query:
        return _create(request, go_on(request))
    if "uploadId" in query and request.method in ("PUT", "POST", "DELETE"):
        return _in_upload(request, query, go_on)
    return go_on(request)


def _create(request, answer):
    status, headers, body = answer
    if status == 200:
        kind = request.headers.get("x-amz-checksum-type")
        algorithm = request.headers.get("x-amz-checksum-algorithm")
        headers = {name: value for name, value in headers.items() if not name.lower().startswith("x-amz-checksum-")}
        if algorithm:
            headers["x-amz-checksum-algorithm"] = algorithm
            headers["x-amz-checksum-type"] = kind or "COMPOSITE"
        identifier = re.search(rb"<UploadId>([^<]*)<", body)[1].decode()
        with lock:
            uploads[identifier] = {"begun": datetime.now(timezone.utc), "parts": {},
                                   "summed": algorithm == "CRC32C" and kind == "FULL_OBJECT"}
    return status, headers, body


def _in_upload(request, query, go_on):
    identifier = query["uploadId"]
    with lock:
        upload = uploads.get(identifier)
    if upload is None:
        raise AwsError(404, "NoSuchUpload", NO_SUCH_UPLOAD, extra={"UploadId": identifier})
    if request.method == "POST" and upload["summed"]:
        _check_whole(request, upload)
    status, headers, body = go_on(request)
    if status < 300 and request.method == "PUT" and upload["summed"] and "x-amz-copy-source" not in request.headers:
        sent = request.headers.get("x-amz-checksum-crc32c")  # verified by sigv4.py
        crc = int.from_bytes(base64.b64decode(sent), "big") if sent else checksums.crc32c(request.body)
        upload["parts"][int(query["partNumber"])] = (crc, len(request.body))
        headers["x-amz-checksum-crc32c"] = base64.b64encode(crc.to_bytes(4, "big")).decode()
    if status < 300 and request.method in ("POST", "DELETE"):
        with lock:
            uploads.pop(identifier, None)
    return status, headers, body


def _check_whole(request, upload):
    claimed = request.headers.get("x-amz-checksum-crc32c")
    numbers = [int(element.text) for element in ElementTree.fromstring(request.body).iter()
               if element.tag.removeprefix(NAMESPACE) == "PartNumber"]
    whole = 0
    for number in numbers:
        crc, size = upload["parts"].get(number, (0, 0))
        whole = checksums.combine(whole, crc, size)
    if claimed is not None and claimed != base64.b64encode(whole.to_bytes(4, "big")).decode():
        raise AwsError(400, "BadDigest", "The CRC32C you specified did not match the calculated checksum.")


def _list(answer, query):
    status, headers, body = answer

    def begun(match):
        upload = uploads.get(match[2].decode())
        when = upload["begun"] if upload else datetime.now(timezone.utc)
        return match[1] + when.strftime("%Y-%m-%dT%H:%M:%S.000Z").encode() + b"<"

    body = re.sub(rb"(<UploadId>([^<]*)</UploadId>(?:(?!</Upload>).)*?<Initiated>)[^<]*<", begun, body, flags=re.S)
    if status == 200 and query.get("encoding-type") == "url":
        def encoded(match):
            return match[1] + quote_plus(unescape(match[2].decode()), safe="/").encode() + b"<"

        body = re.sub(rb"(<(?:Key|Prefix|KeyMarker|NextKeyMarker|Delimiter)>)([^<]*)<", encoded, body)
        body = body.replace(b"<Bucket>", b"<EncodingType>url</EncodingType><Bucket>", 1)
    return status, headers, body


def _check_source(request):
    wanted = request.headers.get("x-amz-copy-source-if-match")
    bucket, _, key = unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("/")
    source = s3_backends[ACCOUNT]["aws"].get_object(bucket, key.partition("?versionId=")[0])
    if wanted and source is not None and source.etag.strip('"') != wanted.strip('"'):
        raise AwsError(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                       extra={"Condition": "x-amz-copy-source-If-Match"})


def _delete_many(request, principal, go_on):
    if not any(name.lower() == "content-md5" or name.lower().startswith("x-amz-checksum-") for name in request.headers):
        raise AwsError(400, "InvalidRequest",
                       "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    root = ElementTree.fromstring(request.body)
    denied = []
    for element in list(root):
        if element.tag.removeprefix(NAMESPACE) != "Object":
            continue
        key = next(child.text for child in element if child.tag.removeprefix(NAMESPACE) == "Key")
        if not access.is_allowed(principal, "s3:DeleteObject", f"arn:aws:s3:::{request.bucket}/{key}"):
            denied.append(key)
            root.remove(element)
    quiet = any(element.tag.removeprefix(NAMESPACE) == "Quiet" and element.text == "true" for element in root)
    status, headers, body = 200, {"Content-Type": "application/xml"}, b"<DeleteResult></DeleteResult>"
    if any(element.tag.removeprefix(NAMESPACE) == "Object" for element in root):
        ElementTree.register_namespace("", NAMESPACE[1:-1])
        request.body = ElementTree.tostring(root)
        status, headers, body = go_on(request)
    if status == 200 and quiet:
        body = re.sub(rb"<Deleted>.*?</Deleted>", b"", body, flags=re.S)
    if status == 200 and denied:
        errors = "".join(f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
                         for key in denied)
        body = body.replace(b"</DeleteResult>", errors.encode() + b"</DeleteResult>")
    return status, headers, body
