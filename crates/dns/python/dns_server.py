"""A name server that knows one name, answers one question and ends.

Its partner is examples/short-dns-query.rs.

python dns_server.py [HOST:PORT]
"""

import socket
import sys

NAME, ADDRESS = b"\3www\3net\7example\0", "127.0.0.80"

where = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:5300"
host, port = where.split(":")
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((host, int(port)))
host, port = server.getsockname()
print(f"Answering at {host}:{port}", flush=True)

query, client = server.recvfrom(512)
end = query.index(0, 12)
# Anybody may ask: what is no plain character is shown as an escape.
name = query[13:end].replace(b"\3", b".").replace(b"\7", b".")
print("Question:", repr(name)[2:-1])
# The same id; an answer, authoritative, with one record if it is that name.
known = query[12 : end + 1].lower() == NAME
header = query[:2] + b"\x84\0\0\1" + (b"\0\1" if known else b"\0\0") + bytes(4)
# Its name is at byte 12; type A, class internet, 300 s to live, 4 bytes.
record = b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4" + socket.inet_aton(ADDRESS)
print("Answer:", ADDRESS if known else "none")
server.sendto(header + query[12 : end + 5] + record * known, client)
