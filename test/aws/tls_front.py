"""TLS before the AWS test server: `tls_front.py TARGET_PORT CERTIFICATE KEY [ADDRESS PORT]`, both files PEM. Without TLS if
their names are empty.

Listens on a port of the loopback, or where it is told, and prints the port; then a line for each connection that comes: "refused" if the client
ended it over the certificate, "served" once the first bytes of a request have come through. Ends when stdin is closed.
"""
import os
import socket
import ssl
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def serve(client, context, target_port):
    try:
        if context:
            client = context.wrap_socket(client, server_side=True)
        first = client.recv(65536)
    except OSError:
        first = b""
    if not first:
        say("refused")
        client.close()
        return
    say("served")
    server = socket.create_connection(("127.0.0.1", target_port))
    server.sendall(first)
    threading.Thread(target=copy, args=(server, client), daemon=True).start()
    copy(client, server)


def main():
    target_port, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    address, port = sys.argv[4:] or ("127.0.0.1", 0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
    if context:
        context.load_cert_chain(certificate, key)
    listener = socket.create_server((address, int(port)), backlog=64)

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, context, target_port), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    say(str(listener.getsockname()[1]))
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
