"""Asks a name server for the IPv4 addresses of a name.

Run: python short_dns_query.py [NAME SERVER]
The same in Rust: examples/short-dns-query.rs
"""

import socket
import sys

defaults = ["www.net.example", "127.0.0.1:5300"]
name, server = sys.argv[1:] + defaults[len(sys.argv) - 1 :]
# Header: an id (42), flags, one question. Name: labels
# behind their lengths, a 0. Type A, class internet.
query = b"42\0\0\0\1" + bytes(6)
for label in name.split("."):
    query += bytes([len(label)]) + label.encode()
query += b"\0\0\1\0\1"
print(f"Asking {server} for {name}")
host, port = server.split(":")
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.sendto(query, (host, int(port)))
answer, _ = client.recvfrom(512)
# Header and question come back. A record has 12 bytes,
# the last of which tells how long its data is.
at = len(query)
for _ in range(answer[7]):
    head, at = answer[at : at + 12], at + 12
    data, at = answer[at : at + head[11]], at + head[11]
    if head[3] == 1:
        print("Address:", socket.inet_ntoa(data))
