"""A name server that changes its mind: `dns_server.py FILE` on port 53 of 127.0.0.1, for a test in a network of its own.

FILE has lines `NAME ADDRESS[,ADDRESS…] …`: the first time that it is asked for the name it answers the first group of
addresses, then the second, and so on; the last one for ever. A name that begins with a dot is that of all names below it. A
new FILE in its place begins anew. Prints "ready", then "NAME ADDRESS,…" for each answer
of IPv4 addresses. Ends when stdin is closed.
"""
import os
import socket
import struct
import sys
import threading

A, AAAA = 1, 28
turns = {}  # (file, line, kind): how often it was asked for


def find(path, name):
    """The groups of the name's line, and what that is known by."""
    with open(path) as file:
        status = os.fstat(file.fileno())
        for line in file:
            known, *groups = line.split()
            if name == known or (known.startswith(".") and name.endswith(known)):
                return (status.st_ino, status.st_mtime_ns, line), groups
    return None, []


def read_name(packet):
    labels, position = [], 12
    while packet[position]:
        labels.append(packet[position + 1:position + 1 + packet[position]].decode("latin-1").lower())
        position += 1 + packet[position]
    return ".".join(labels), position + 1


def answer(path, packet):
    name, end = read_name(packet)
    kind, = struct.unpack("!H", packet[end:end + 2])
    line, groups = find(path, name)
    addresses = []
    if groups:
        turn = turns.setdefault((line, kind), 0)
        turns[line, kind] += 1
        addresses = [address for address in groups[min(turn, len(groups) - 1)].split(",")
                     if kind == (AAAA if ":" in address else A)]
    if kind == A:
        print(name, ",".join(addresses), flush=True)
    records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, 16 if kind == AAAA else 4) +
                       socket.inet_pton(socket.AF_INET6 if kind == AAAA else socket.AF_INET, address) for address in addresses)
    flags = 0x8180 if groups else 0x8183  # no such name
    return packet[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0) + packet[12:end + 4] + records


def main():
    path = sys.argv[1]
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 53))

    def serve():
        while True:
            packet, client = listener.recvfrom(4096)
            listener.sendto(answer(path, packet), client)

    threading.Thread(target=serve, daemon=True).start()
    print("ready", flush=True)
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
