"""Asks for all cats, as text on a TCP connection."""

import socket
import sys

server = (sys.argv[1:] or ["127.0.0.1:8080"])[0]
# What we want, for whom, and that this is all. An
# empty line ends it.
request = [
    "GET /cats HTTP/1.1",
    f"Host: {server}",
    "Connection: close",
    "",
]
host, port = server.split(":")
with socket.create_connection((host, int(port))) as stream:
    for line in request:
        print(f"> {line}")
        stream.sendall(f"{line}\r\n".encode())
    for line in stream.makefile():
        print(f"< {line.rstrip()}")
