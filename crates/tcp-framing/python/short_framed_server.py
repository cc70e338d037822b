"""Reads whole messages and answers each, until Ctrl-C."""

import socket
import sys

address = sys.argv[1] if sys.argv[1:] else "127.0.0.1:6789"
host, port = address.split(":")
listener = socket.create_server((host, int(port)))
bound = "%s:%d" % listener.getsockname()
print(f"Waiting for clients at {bound}, length prefix")

while True:
    client, peer = listener.accept()
    stream = client.makefile("rwb")
    # Four bytes say how long the message is ...
    while prefix := stream.read(4):
        length = int.from_bytes(prefix, "big")

        # ... and that many bytes are the message.
        message = stream.read(length).decode()
        print("%s:%d" % peer, "says:", message)

        answer = "Are you talking to me?"
        print("Answer:", answer)
        prefix = len(answer).to_bytes(4, "big")
        stream.write(prefix + answer.encode())
        stream.flush()
