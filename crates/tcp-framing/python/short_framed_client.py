"""Sends whole messages and shows the answer to each."""

import socket
import sys

address = sys.argv[1] if sys.argv[1:] else "127.0.0.1:6789"
host, port = address.split(":")
server = socket.create_connection((host, int(port)))
stream = server.makefile("rwb")

for message in ["Hello!", "Hello again!"]:
    print("Send:", message)
    # A frame: first the length, then the message.
    prefix = len(message).to_bytes(4, "big")
    stream.write(prefix + message.encode())
    stream.flush()

    # The answer comes in the same way.
    prefix = stream.read(4)
    length = int.from_bytes(prefix, "big")
    answer = stream.read(length).decode()
    print(f"{address} says: {answer}")
