"""The HTTP server that clients of the AWS test server talk to: plain HTTP/1.1 with keep-alive, a thread a connection.

A request is read whole, verified (sigv4), authorized (access), made to fail if a test asked for it (faults),
performed (moto_backend, data_api), answered and logged. /_control/ is for tests, unsigned:
    GET  /_control/ready    204
    GET  /_control/log      the request log, a JSON array
    POST /_control/faults   a JSON array of faults (see faults.py) that replaces the ones in force
    POST /_control/clock    {"offset": seconds}: set this server's clock off by so much
    POST /_control/machine  what is beside a machine or container (see machine.py)
    POST /_control/expire   the keys of all sessions that there are expire now
    POST /_control/large    a large object (see large_objects.py)
    POST /_control/reset    forget log, faults, clock offset and machine; what is stored in AWS's services stays
"""
import json
import re
import select
import socket
import struct
import sys
import time
import uuid
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import access
import functions
import large_objects
import machine
import moto_backend
import s3_writes
import sigv4
from aws_request import AwsRequest
from errors import AwsError, refusal, render


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, log, faults, data_api):
        super().__init__(("127.0.0.1", 0), Handler)
        self.log, self.faults, self.data_api = log, faults, data_api
        self.clock_offset = timedelta()
        self.machine = machine.Machine()

    def now(self):
        return datetime.now(timezone.utc) + self.clock_offset

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):  # a client that goes away in the middle is what tests do
            super().handle_error(request, client_address)


class Disconnect(Exception):
    """The connection is to end, in order or by a reset, after so many bytes of the answer's body."""

    def __init__(self, sent, reset=False):
        super().__init__()
        self.sent, self.reset = sent, reset


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """The request log is ours."""

    def _handle(self):
        target = self.requestline.split()[1]  # self.path has lost a leading double slash
        too_large = int(self.headers.get("Content-Length") or 0) > large_objects.MAX_AT_ONCE
        body = self._read_body() if not too_large else b""
        if target.startswith("/_control/"):
            self._control(target, body)
            return
        request = AwsRequest(self.command, target, self.headers, body)
        request.too_large = too_large
        beside = None
        if self.server.machine.serves(target, self.headers):
            request.service, *beside = self.server.machine.answer(self.command, target, self.headers)
            request.bucket, request.key, request.action = None, None, target
        request_id = str(uuid.uuid4()) if request.service != "s3" else uuid.uuid4().hex[:16].upper()
        fault = self.server.faults.take(request)
        outcome = {"status": None, "code": None, "request_id": request_id, "fault": fault and fault["do"]}

        def log(sent):
            """Before the last byte goes out: a client that has its answer finds it in the log."""
            self.server.log.add(request, bytes=sent, **outcome)

        try:
            outcome["status"], headers, answer, outcome["code"] = self._answer(request, fault, request_id, beside)
            if fault and fault.get("expire"):
                machine.expire_sessions()
            if fault and fault["do"] == "drop":
                raise Disconnect(0, reset=True)
            self._send_head(request, outcome["status"], headers, answer, request_id)
            if request.method == "HEAD" or not answer:
                log(0)
                self.end_headers()
            else:
                self.end_headers()
                last = self._send_all_but_the_last(request, answer, fault)
                log(len(answer))
                self._send(last)
            self.close_connection |= too_large
        except Disconnect as end:
            log(end.sent)
            self._disconnect(end.reset)
        except OSError:
            log(None)  # the client went away
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _handle

    def _read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            chunks = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, request, fault, request_id, beside):
        """(status, headers, body, error code) of the request; a fault may come first."""
        try:
            if fault and fault["do"] == "status":
                raise AwsError(fault.get("status", 500), fault.get("code", "InternalError"),
                               fault.get("message", "A failure that a test asked for."),
                               extra=fault.get("extra"), headers=fault.get("headers"))
            if fault and fault["do"] == "answer":
                return fault.get("status", 200), fault.get("headers", {}), fault["body"].encode("latin-1"), None
            if fault and fault["do"] == "reset" and "after" not in fault:
                raise Disconnect(0, reset=True)
            if fault and fault["do"] == "stall" and "after" not in fault:
                self._stall(fault, 0)
            if fault and fault["do"] == "replace" and "x-amz-copy-source" in self.headers:
                self._replace(*unquote(self.headers["x-amz-copy-source"]).lstrip("/").split("/", 1))
            return (*beside, None) if beside else self._perform(request, request_id)
        except AwsError as error:
            headers, body = render(request, error, request_id)
            return error.status, headers, body, error.code

    def _perform(self, request, request_id):
        if not request.authorization and request.action == "AssumeRoleWithWebIdentity":
            return self._perform_with_web_identity(request, request_id)
        if not request.authorization:
            raise refusal(request, "malformed" if "Authorization" in request.headers else "unsigned",
                          "not of the form AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…")
        principal = access.identify(request)
        if request.too_large:
            raise AwsError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size",
                           extra={"ProposedSize": self.headers["Content-Length"],
                                  "MaxSizeAllowed": large_objects.MAX_AT_ONCE})
        sigv4.verify(request, principal.create_credentials().secret_key, self.server.now())
        self._check_region(request)
        access.authorize(request, principal)
        if request.service == "redshift-data":
            return (*self.server.data_api.perform(request), None)
        if request.service == "lambda" and request.action == "Invoke":
            return (*functions.invoke(request), None)

        def ask_moto(request):
            return moto_backend.perform(request, self.server.server_port)

        if request.service == "s3" and request.bucket in large_objects.buckets:
            status, headers, body = large_objects.perform(request)
        elif request.service == "s3" and request.bucket:
            status, headers, body = s3_writes.perform(request, principal, ask_moto)
        else:
            status, headers, body = ask_moto(request)
        if status == 404 and request.key and request.method in ("GET", "HEAD") and \
                not access.may_list(request, principal):
            raise access.denial(request, principal, "s3:ListBucket", f"arn:aws:s3:::{request.bucket}")
        return self._with_request_id(request, request_id, status, headers, body)

    def _perform_with_web_identity(self, request, request_id):
        request.service = "sts"
        if not self.server.machine.web_identity_is(request.form.get("WebIdentityToken")):
            raise AwsError(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for it")
        access.check_trust(request, None)
        return self._with_request_id(request, request_id, *moto_backend.perform(request, self.server.server_port))

    @staticmethod
    def _with_request_id(request, request_id, status, headers, body):
        if status >= 400 or request.service != "s3":
            body = re.sub(rb"<(RequestId|RequestID)>[^<]*<", lambda tag: b"<%s>%s<" % (tag[1], request_id.encode()),
                          body)
        return status, headers, body, _error_code(status, headers, body)

    def _check_region(self, request):
        region = moto_backend.bucket_region(request.bucket) if request.bucket else None
        if region and region != request.region:
            raise refusal(request, "malformed", f"the region '{request.region}' is wrong; expecting '{region}'",
                          extra={"Region": region}, headers={"x-amz-bucket-region": region})

    def _send_head(self, request, status, headers, body, request_id):
        self.send_response_only(status)
        self.send_header("Date", format_datetime(self.server.now(), usegmt=True))
        id_name = "x-amz-request-id" if request.service == "s3" else "x-amzn-RequestId"
        length_is_ours = request.method != "HEAD" and status not in (204, 304)
        ours = {id_name.lower(), "date", "server", "connection"} | ({"content-length"} if length_is_ours else set())
        for name, value in headers.items():
            if name.lower() not in ours:
                self.send_header(name, value)
        self.send_header(id_name, request_id)
        self.send_header("Server", "AmazonS3" if request.service == "s3" else "Server")
        if length_is_ours:
            self.send_header("Content-Length", str(len(body)))

    def _send_all_but_the_last(self, request, body, fault):
        """Send the body as the fault says; returns its last byte, which is yet to be sent."""
        kind = fault and fault["do"]
        if kind == "slow":
            rate = fault["bytes_per_second"]
            piece = max(1, rate // 20)
            for start in range(0, len(body) - 1, piece):
                self._send(body[start:min(start + piece, len(body) - 1)])
                time.sleep(piece / rate)
        elif kind in ("reset", "truncate", "stall") or (kind == "replace" and request.method == "GET"):
            after = min(fault.get("after", len(body) // 2), len(body))
            self._send(body[:after])
            if kind == "stall":
                self._stall(fault, after)
            if kind == "replace":
                self._replace(request.bucket, request.key)
            raise Disconnect(after, reset=kind != "truncate")
        elif kind == "corrupt":
            at = min(fault.get("after", len(body) // 2), len(body) - 1)
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
            self.wfile.write(body[:-1])
        else:
            self._send(body[:-1])
        return body[-1:]

    def _send(self, body):
        if isinstance(body, large_objects.Content):
            body.send(self.connection)
        else:
            self.wfile.write(body)

    @staticmethod
    def _replace(bucket, key):
        (large_objects.replace if bucket in large_objects.buckets else moto_backend.replace_object)(bucket, key)

    def _stall(self, fault, sent):
        """Say nothing until the client has left: then its socket becomes readable."""
        select.select([self.connection], [], [], fault.get("seconds", 600))
        raise Disconnect(sent)

    def _disconnect(self, reset):
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()

    def _control(self, target, body):
        status, answer = 200, b""
        try:
            if target == "/_control/log" and self.command == "GET":
                answer = json.dumps(self.server.log.entries()).encode()
            elif target == "/_control/faults" and self.command == "POST":
                self.server.faults.set(json.loads(body))
            elif target == "/_control/clock" and self.command == "POST":
                self.server.clock_offset = timedelta(seconds=json.loads(body)["offset"])
            elif target == "/_control/machine" and self.command == "POST":
                self.server.machine.set(json.loads(body))
            elif target == "/_control/expire" and self.command == "POST":
                machine.expire_sessions()
            elif target == "/_control/large" and self.command == "POST":
                large_objects.make(**json.loads(body))
            elif target == "/_control/reset" and self.command == "POST":
                self.server.log.clear()
                self.server.faults.set([])
                self.server.clock_offset = timedelta()
                self.server.machine.set({})
            elif target != "/_control/ready":
                status, answer = 404, b"no such control\n"
        except (ValueError, KeyError, TypeError, re.error) as error:
            status, answer = 400, f"{error}\n".encode()
        if status == 200 and not answer:
            status = 204
        self.send_response_only(status)
        if status != 204:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def _error_code(status, headers, body):
    """The AWS error code in an answer of moto's, for the log."""
    if status < 400:
        return None
    found = re.search(rb"<Code>([^<]*)</Code>|\"__type\": *\"(?:[^\"]*#)?([^\"]*)\"", body)
    return (found[1] or found[2]).decode() if found else None
