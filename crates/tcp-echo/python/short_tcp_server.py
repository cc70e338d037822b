"""Answers each client that calls, one after the other."""

import socket
import sys

# The address is the first argument, or this one.
local = "127.0.0.1:6789"
address = sys.argv[1] if sys.argv[1:] else local
host, port = address.split(":")
listener = socket.create_server((host, int(port)))
own = "%s:%d" % listener.getsockname()
print(f"Waiting for clients to call. Address: {own}")

while True:
    # A stream for this client; the listener goes on.
    stream, (host, port) = listener.accept()
    # What has come by now, at most 1024 bytes of it.
    said = stream.recv(1024).decode().rstrip()
    print(f"{host}:{port} said {said}")

    print("Answering: Are you talking to me?")
    stream.sendall(b"Are you talking to me?\n")
    stream.close()
