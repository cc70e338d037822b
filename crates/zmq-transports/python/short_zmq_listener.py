"""Answers whoever says something, until Ctrl-C."""

import sys

import zmq

DEFAULT = "tcp://127.0.0.1:6789"

endpoint = sys.argv[1] if sys.argv[1:] else DEFAULT
context = zmq.Context()

# A port or a file: the endpoint says which.
socket = context.socket(zmq.REP)
socket.bind(endpoint)
endpoint = socket.last_endpoint.decode()
print("Waiting for callers. Endpoint:", endpoint)

while True:
    heard = socket.recv().decode()
    print("A caller said", heard)

    answer = "Are you talking to me?"
    print("Answering:", answer)
    socket.send(answer.encode())
