# An S3 that takes objects and keeps none of them, for bench/unload: it prints its port and answers PUT, multipart uploads and what
# is asked before and after. Every byte of a body is received and dropped; no signature or checksum is looked at.
import socket
import sys
import threading

BUFFER = 1 << 20
XML = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def respond(connection, status, body=b"", headers=""):
    connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)


def answer(connection, method, target):
    if method == "POST" and "uploads" in target and "uploadId=" not in target:
        body = f"<InitiateMultipartUploadResult {XML}><UploadId>sink</UploadId></InitiateMultipartUploadResult>"
        respond(connection, "200 OK", body.encode(), "x-amz-checksum-type: FULL_OBJECT\r\nx-amz-checksum-algorithm: CRC32C\r\n")
    elif method == "POST":
        respond(connection, "200 OK", f'<CompleteMultipartUploadResult {XML}><ETag>"sink"</ETag></CompleteMultipartUploadResult>'.encode())
    elif method == "PUT":
        respond(connection, "200 OK", headers='ETag: "sink"\r\n')
    elif method == "HEAD":
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    elif method == "DELETE":
        respond(connection, "204 No Content")
    else:
        respond(connection, "200 OK", f"<ListBucketResult {XML}><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>".encode())


def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = bytearray(BUFFER)
    head = b""
    while True:
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                return
            head += received
        head, _, rest = head.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        left = int(headers.get("content-length", 0)) - len(rest)
        if "expect" in headers:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while left > 0:
            received = connection.recv_into(buffer, min(left, BUFFER))
            if received == 0:
                return
            left -= received
        head = b""
        answer(connection, method, target)


listener = socket.create_server(("127.0.0.1", 0), backlog=64)
print(listener.getsockname()[1], flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
