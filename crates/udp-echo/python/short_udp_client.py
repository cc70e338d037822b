"""Sends one datagram and waits for the answer."""

import socket
import sys

address = sys.argv[1] if sys.argv[1:] else "127.0.0.1:6789"
host, port = address.split(":")
text = sys.argv[2] if sys.argv[2:] else "Hello!"

# Create. The first datagram takes a free port.
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

# Send. Nothing tells whether it arrives.
print(f"Sending {text} to {address}")
client.sendto(text.encode(), (host, int(port)))

# Receive. This waits until a datagram comes.
data, sender = client.recvfrom(64)
said = data.decode()
print("%s:%d" % sender, "said", said)
