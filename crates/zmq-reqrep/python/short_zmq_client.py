"""Asks a server three times."""

import sys

import zmq

THERE = "tcp://127.0.0.1:6789"

# Another endpoint can be named as an argument.
there = sys.argv[1] if sys.argv[1:] else THERE
client = zmq.Context().socket(zmq.REQ)
client.connect(there)

for number in range(1, 4):
    request = f"message #{number}"
    print("Sending", request)
    client.send_string(request)

    # REQ insists on it: after a request comes its
    # reply, and only then the next request.
    [reply] = client.recv_multipart()
    reply = reply.decode()
    print(f"Sent {request}, received {reply}")
