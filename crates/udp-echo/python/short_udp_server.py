"""Answers every datagram that comes, until Ctrl-C."""

import socket
import sys

address = sys.argv[1] if sys.argv[1:] else "127.0.0.1:6789"
host, port = address.split(":")

# Create a datagram socket, and give it an address.
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((host, int(port)))
bound = "%s:%d" % server.getsockname()
print("Waiting for a client to call. Address:", bound)

while True:
    # One call receives one datagram, and who sent it.
    data, sender = server.recvfrom(64)
    said = data.decode()
    print("%s:%d" % sender, "said", said)

    # No connection: every datagram needs an address.
    answer = "Are you talking to me?"
    print("Answering:", answer)
    server.sendto(answer.encode(), sender)
