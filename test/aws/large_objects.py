"""Buckets for large objects. What is in them is bytes of one file and zeros that are nowhere, so that gigabytes cost
nothing; moto keeps every object in memory.

    POST /_control/large    {"bucket", "key", "size", "marks": {offset: text}}: an object of zeros but for the marks; its
                            bucket is one of these from then on

S3's limits hold: 5 GB for a PUT, a copy and a part, 5 MB for every part but the last, 10,000 parts. Copies refer to the
bytes of their source, which never change: what is written later is written elsewhere. ETags say nothing of the content, as
with objects that are encrypted with KMS. There are no versions, delimiters and deletions of many (501).
"""
import base64
import os
import re
import tempfile
import threading
import uuid
from datetime import datetime, timezone
from email.utils import format_datetime
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import checksums
from errors import AwsError

GB = 1 << 30
MAX_AT_ONCE = 5 * GB
MIN_PART_SIZE = 5 << 20
MAX_PARTS = 10_000
ZEROS = bytes(1 << 20)
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
XML = {"Content-Type": "application/xml"}

lock = threading.Lock()
buckets = {}  # name: {key: Object}
uploads = {}  # id: Upload
_file = tempfile.TemporaryFile()
_file_size = 0


class Content:
    """What bytes are, as far as sending an answer needs it: a length, and slices. Made of pieces (offset in the file or None
    for zeros, size)."""

    def __init__(self, pieces):
        self.pieces = [piece for piece in pieces if piece[1] > 0]
        self.size = sum(size for _, size in self.pieces)

    def __len__(self):
        return self.size

    def __getitem__(self, what):
        start, end, _ = what.indices(self.size)
        pieces, position = [], 0
        for offset, size in self.pieces:
            first, last = max(start - position, 0), min(end - position, size)
            if first < last:
                pieces.append((None if offset is None else offset + first, last - first))
            position += size
        return Content(pieces)

    def send(self, connection):
        for offset, size in self.pieces:
            while size > 0:
                if offset is None:
                    sent = connection.send(memoryview(ZEROS)[:size])
                else:
                    sent = os.sendfile(connection.fileno(), _file.fileno(), offset, size)
                    offset += sent
                size -= sent

    def crc32c(self):
        crc = 0
        for offset, size in self.pieces:
            piece = _crc_of_zeros(size) if offset is None else checksums.crc32c(os.pread(_file.fileno(), size, offset))
            crc = checksums.combine(crc, piece, size)
        return crc


def _crc_of_zeros(size):
    crc, power, length = 0, checksums.crc32c(b"\0"), 1
    while size:
        if size & 1:
            crc = checksums.combine(crc, power, length)
        power, length, size = checksums.combine(power, power, length), 2 * length, size >> 1
    return crc


class Object:
    def __init__(self, content, headers=None, crc=None, parts=None):
        self.content, self.headers, self.crc = content, headers or {}, crc
        self.etag = uuid.uuid4().hex + (f"-{parts}" if parts else "")
        self.modified = datetime.now(timezone.utc)


class Upload:
    def __init__(self, request):
        self.bucket, self.key, self.headers = request.bucket, request.key, _kept_headers(request)
        self.begun = datetime.now(timezone.utc)
        self.summed = request.headers.get("x-amz-checksum-type") == "FULL_OBJECT"
        self.parts = {}  # number: Object


def make(bucket, key, size, marks):
    """The object that a test asked for."""
    pieces, position = [], 0
    for offset, text in sorted((int(offset), text.encode()) for offset, text in marks.items()):
        pieces += [(None, offset - position), _store(text)]
        position = offset + len(text)
    content = Content(pieces + [(None, size - position)])
    with lock:
        buckets.setdefault(bucket, {})[key] = Object(content, crc=content.crc32c())


def replace(bucket, key):
    """Put another object with the same content in its place."""
    with lock:
        old = buckets[bucket][key]
        buckets[bucket][key] = Object(old.content, old.headers, old.crc)


def perform(request):
    """(status, headers, body) of a request that is signed and allowed."""
    query = dict(request.query)
    unknown = {"delimiter", "versionId", "versions", "delete", "partNumber" if "uploadId" not in query else ""} & set(query)
    if unknown:
        raise AwsError(501, "NotImplemented", f"A bucket for large objects has no {', '.join(sorted(unknown))}.")
    if request.key is None:
        return _in_bucket(request, query)
    if "uploadId" in query:
        return _in_upload(request, query)
    if request.method == "POST" and "uploads" in query:
        return _create_upload(request)
    if request.method == "PUT":
        return _copy(request) if "x-amz-copy-source" in request.headers else _put(request)
    if request.method == "DELETE":
        with lock:
            buckets[request.bucket].pop(request.key, None)
        return 204, {}, b""
    return _get(request)


# ---- objects

def _store(body):
    global _file_size
    with lock:
        offset = _file_size
        _file_size += len(body)
    for start in range(0, len(body), GB):
        os.pwrite(_file.fileno(), body[start:start + GB], offset + start)
    return offset, len(body)


def _kept_headers(request):
    return {name: value for name, value in request.headers.items()
            if name.lower() == "content-type" or name.lower().startswith("x-amz-meta-")}


def _find(bucket, key):
    if bucket not in buckets:
        raise AwsError(501, "NotImplemented", "The other bucket is none for large objects.")
    found = buckets[bucket].get(key)
    if found is None:
        raise AwsError(404, "NoSuchKey", "The specified key does not exist.", extra={"Key": key})
    return found


def _appear(request, made):
    with lock:
        if request.headers.get("If-None-Match") == "*" and request.key in buckets[request.bucket]:
            raise _failed_condition("If-None-Match")
        buckets[request.bucket][request.key] = made


def _failed_condition(name):
    return AwsError(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                    extra={"Condition": name})


def _put(request):
    crc = request.headers.get("x-amz-checksum-crc32c")  # verified by sigv4.py
    made = Object(Content([_store(request.body)]), _kept_headers(request), crc and _crc_number(crc))
    _appear(request, made)
    return 200, {"ETag": f'"{made.etag}"'}, b""


def _get(request):
    found = _find(request.bucket, request.key)
    wanted = request.headers.get("If-Match")
    if wanted and wanted.strip('"') != found.etag:
        raise _failed_condition("If-Match")
    headers = {"Content-Type": "binary/octet-stream", **found.headers, "ETag": f'"{found.etag}"',
               "Last-Modified": format_datetime(found.modified, usegmt=True), "Accept-Ranges": "bytes"}
    size, asked = found.content.size, request.headers.get("Range")
    if not asked:
        if found.crc is not None and request.headers.get("x-amz-checksum-mode") == "ENABLED":
            headers.update({"x-amz-checksum-crc32c": _crc_text(found.crc), "x-amz-checksum-type": "FULL_OBJECT"})
        return 200, {**headers, "Content-Length": str(size)}, b"" if request.method == "HEAD" else found.content
    first, last = _range(asked, size)
    headers |= {"Content-Length": str(last - first + 1), "Content-Range": f"bytes {first}-{last}/{size}"}
    return 206, headers, b"" if request.method == "HEAD" else found.content[first:last + 1]


def _range(asked, size):
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
    if match is None:
        raise AwsError(501, "NotImplemented", "A bucket for large objects has ranges with a begin alone.")
    first, last = int(match[1]), min(int(match[2] or size), size - 1)
    if first > last:
        raise AwsError(416, "InvalidRange", "The requested range is not satisfiable",
                       extra={"RangeRequested": asked, "ActualObjectSize": size})
    return first, last


def _source(request, number=None):
    """What a copy is of: the content, or the part of it that the request names."""
    bucket, _, key = unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("/")
    found = _find(bucket, key)
    wanted = request.headers.get("x-amz-copy-source-if-match")
    if wanted and wanted.strip('"') != found.etag:
        raise _failed_condition("x-amz-copy-source-If-Match")
    content, asked = found.content, request.headers.get("x-amz-copy-source-range")
    if asked and number:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
        if match is None or int(match[2]) >= content.size or int(match[1]) > int(match[2]):
            raise AwsError(400, "InvalidArgument", f"Range specified is not valid for source object of size: {content.size}",
                           extra={"ArgumentName": "x-amz-copy-source-range", "ArgumentValue": asked})
        content = content[int(match[1]):int(match[2]) + 1]
    if content.size > MAX_AT_ONCE:
        raise AwsError(400, "InvalidRequest", "The specified copy source is larger than the maximum allowable size for a "
                       f"copy source: {MAX_AT_ONCE}")
    return found, content


def _copy(request):
    source, content = _source(request)
    made = Object(content, source.headers, source.crc)
    _appear(request, made)
    return 200, XML, _document("CopyObjectResult", f"<ETag>&quot;{made.etag}&quot;</ETag><LastModified>{_iso(made.modified)}"
                               "</LastModified>")


# ---- uploads

def _create_upload(request):
    identifier = uuid.uuid4().hex
    with lock:
        uploads[identifier] = upload = Upload(request)
    headers = {"x-amz-checksum-algorithm": "CRC32C", "x-amz-checksum-type": "FULL_OBJECT"} if upload.summed else {}
    return 200, {**XML, **headers}, _document("InitiateMultipartUploadResult", f"<Bucket>{request.bucket}</Bucket><Key>"
                                              f"{escape(request.key)}</Key><UploadId>{identifier}</UploadId>")


def _in_upload(request, query):
    upload = uploads.get(query["uploadId"])
    if upload is None or (upload.bucket, upload.key) != (request.bucket, request.key):
        raise AwsError(404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload "
                       "may have been aborted or completed.", extra={"UploadId": query["uploadId"]})
    if request.method == "DELETE":
        with lock:
            uploads.pop(query["uploadId"], None)
        return 204, {}, b""
    return _part(request, upload, query.get("partNumber", "")) if request.method == "PUT" else \
        _complete(request, upload, query["uploadId"])


def _part(request, upload, number):
    if not number.isdigit() or not 1 <= int(number) <= MAX_PARTS:
        raise AwsError(400, "InvalidArgument", f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive",
                       extra={"ArgumentName": "partNumber", "ArgumentValue": number})
    if "x-amz-copy-source" in request.headers:
        part = Object(_source(request, number)[1])
        upload.parts[int(number)] = part
        return 200, XML, _document("CopyPartResult", f"<ETag>&quot;{part.etag}&quot;</ETag><LastModified>{_iso(part.modified)}"
                                   "</LastModified>")
    sent = request.headers.get("x-amz-checksum-crc32c")  # verified by sigv4.py
    part = Object(Content([_store(request.body)]), crc=_crc_number(sent) if sent else checksums.crc32c(request.body))
    upload.parts[int(number)] = part
    return 200, {"ETag": f'"{part.etag}"', "x-amz-checksum-crc32c": _crc_text(part.crc)}, b""


def _complete(request, upload, identifier):
    named = []
    for element in ElementTree.fromstring(request.body).iter(f"{{{NAMESPACE}}}Part"):
        part = {child.tag.rpartition("}")[2]: child.text for child in element}
        named.append((int(part["PartNumber"]), part["ETag"].strip('"')))
    if not named:
        raise AwsError(400, "MalformedXML", "The XML you provided was not well-formed or did not validate.")
    if any(first[0] >= second[0] for first, second in zip(named, named[1:])):
        raise AwsError(400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part "
                       "number.")
    parts = [upload.parts.get(number) for number, _ in named]
    for (number, etag), part in zip(named, parts):
        if part is None or part.etag != etag:
            raise AwsError(400, "InvalidPart", "One or more of the specified parts could not be found. The part may not have "
                           "been uploaded, or the specified entity tag may not match the part's entity tag.",
                           extra={"PartNumber": number, "ETag": etag})
    for (number, etag), part in zip(named[:-1], parts):
        if part.content.size < MIN_PART_SIZE:
            raise AwsError(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
                           extra={"ProposedSize": part.content.size, "MinSizeAllowed": MIN_PART_SIZE, "PartNumber": number,
                                  "ETag": etag})
    crc = _whole_crc(request, parts) if upload.summed else None
    made = Object(Content([piece for part in parts for piece in part.content.pieces]), upload.headers, crc, len(parts))
    _appear(request, made)
    with lock:
        uploads.pop(identifier, None)
    return 200, XML, _document("CompleteMultipartUploadResult", f"<Bucket>{request.bucket}</Bucket><Key>{escape(request.key)}"
                               f"</Key><ETag>&quot;{made.etag}&quot;</ETag>")


def _whole_crc(request, parts):
    whole = 0
    for part in parts:
        whole = checksums.combine(whole, part.content.crc32c() if part.crc is None else part.crc, part.content.size)
    claimed = request.headers.get("x-amz-checksum-crc32c")
    if claimed is not None and claimed != _crc_text(whole):
        raise AwsError(400, "BadDigest", "The CRC32C you specified did not match the calculated checksum.")
    return whole


# ---- buckets

def _in_bucket(request, query):
    if request.method == "HEAD":
        return 200, {}, b""
    if request.method != "GET" or not {"uploads", "list-type"} & set(query):
        raise AwsError(501, "NotImplemented", "A bucket for large objects is listed, and nothing else.")
    return 200, XML, _list_uploads(request, query) if "uploads" in query else _list(request, query)


def _list_uploads(request, query):
    with lock:
        found = sorted((upload.key, identifier, upload.begun) for identifier, upload in uploads.items()
                       if upload.bucket == request.bucket and upload.key.startswith(query.get("prefix", "")))
    name = quote if query.get("encoding-type") == "url" else escape
    rows = "".join(f"<Upload><Key>{name(key)}</Key><UploadId>{identifier}</UploadId><Initiated>{_iso(begun)}</Initiated>"
                   "</Upload>" for key, identifier, begun in found)
    return _document("ListMultipartUploadsResult", f"<Bucket>{request.bucket}</Bucket><IsTruncated>false</IsTruncated>{rows}")


def _list(request, query):
    after = query.get("continuation-token") or query.get("start-after", "")
    most = min(int(query.get("max-keys", 1000)), 1000)
    with lock:
        found = sorted((key, item) for key, item in buckets[request.bucket].items()
                       if key.startswith(query.get("prefix", "")) and key.encode() > after.encode())
    name = quote if query.get("encoding-type") == "url" else escape
    rows = "".join(f"<Contents><Key>{name(key)}</Key><LastModified>{_iso(item.modified)}</LastModified><ETag>&quot;{item.etag}"
                   f"&quot;</ETag><Size>{item.content.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
                   for key, item in found[:most])
    more = f"<NextContinuationToken>{escape(found[most - 1][0])}</NextContinuationToken>" if len(found) > most else ""
    kind = "<EncodingType>url</EncodingType>" if name is quote else ""
    return _document("ListBucketResult", f"<Name>{request.bucket}</Name>{kind}<KeyCount>{len(found[:most])}</KeyCount>"
                     f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}{rows}")


# ---- texts

def _document(root, inside):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{inside}</{root}>'.encode()


def _iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _crc_text(crc):
    return base64.b64encode(crc.to_bytes(4, "big")).decode()


def _crc_number(text):
    return int.from_bytes(base64.b64decode(text), "big")
