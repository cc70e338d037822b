"""Says Hello! at an endpoint and shows the answer."""

import sys

import zmq

DEFAULT = "tcp://127.0.0.1:6789"

endpoint = sys.argv[1] if sys.argv[1:] else DEFAULT
context = zmq.Context()

# A port or a file: the endpoint says which.
print("Looking for a listener at", endpoint)
socket = context.socket(zmq.REQ)
socket.connect(endpoint)

print(f"Saying to {endpoint}: Hello!")
socket.send(b"Hello!")

answer = socket.recv().decode()
print(endpoint, "said", answer)
