"""Performs a request that was found good: calls moto's WSGI application in this process.

moto's answers are completed where a client of AWS would see a difference: S3's conditional writes are made atomic
(moto checks If-None-Match and writes in two steps), quotes around the ETag in HEAD's If-Match do not matter, the
JSON protocols refuse with 400 whatever the reason, CORS headers are taken out.
"""
import io
import threading
import traceback
from urllib.parse import unquote

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from werkzeug.test import run_wsgi_app

from errors import AwsError

application = DomainDispatcherApplication(create_backend_app)
s3_writes = threading.Lock()


def perform(request, server_port):
    """(status, headers, body)"""
    environ = _environ(request, server_port)
    try:
        if request.service == "s3" and request.method not in ("GET", "HEAD"):
            with s3_writes:
                return _run(environ)
        status, headers, body = _run(environ)
        return 400 if request.is_json and 400 < status < 500 else status, headers, body
    except Exception:
        traceback.print_exc()
        raise AwsError(500, "InternalError" if request.service == "s3" else "InternalFailure",
                       "We encountered an internal error. Please try again.") from None


def bucket_region(bucket):
    """The region of an existing bucket, or None."""
    found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    return found.region_name if found else None


def replace_object(bucket, key):
    """Put another object of the same length in its place."""
    with s3_writes:
        backend = s3_backends[ACCOUNT]["aws"]
        content = backend.get_object(bucket, key).value
        backend.put_object(bucket, key, bytes(byte ^ 1 for byte in content))


def _run(environ):
    chunks, status, headers = run_wsgi_app(application, environ, buffered=True)
    body = b"".join(chunks)
    return int(status.split()[0]), {name: value for name, value in headers.items()
                                    if not name.lower().startswith("access-control-")}, body


def _environ(request, server_port):
    target = request.raw_path + ("?" + request.raw_query if request.raw_query else "")
    environ = {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": "",
        "PATH_INFO": unquote(request.raw_path, "latin-1"), "QUERY_STRING": request.raw_query,
        "RAW_URI": target, "REQUEST_URI": target,
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(server_port), "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "moto.preserved_header_names": {},
    }
    for name in set(request.headers.keys()):
        key = name.upper().replace("-", "_")
        value = ",".join(request.headers.get_all(name))
        if key == "CONTENT_TYPE":
            environ[key] = value
        elif key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING", "EXPECT"):
            environ["HTTP_" + key] = value
            if "_" in name and name.lower().startswith("x-amz-meta-"):
                environ["moto.preserved_header_names"]["HTTP_" + key] = name
    if request.method == "HEAD" and request.bucket and "HTTP_IF_MATCH" in environ:
        etag = environ["HTTP_IF_MATCH"].strip('"')
        environ["HTTP_IF_MATCH"] = f'"{etag}"'
    return environ
