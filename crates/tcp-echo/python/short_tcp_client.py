"""Calls a server, says Hello! and shows its answer."""

import socket
import sys

# The server is the first argument, or this one.
local = "127.0.0.1:6789"
server = sys.argv[1] if sys.argv[1:] else local
host, port = server.split(":")
stream = socket.create_connection((host, int(port)))

print(f"Saying to {server}: Hello!")
stream.sendall(b"Hello!\n")

# Waits until something has come, at most 1024 bytes.
said = stream.recv(1024).decode().rstrip()
print(f"{server} said {said}")
