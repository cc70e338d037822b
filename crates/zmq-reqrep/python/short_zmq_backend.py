"""Answers what a broker hands out, until Ctrl-C."""

import sys

import zmq

BACK = "tcp://127.0.0.1:6790"

# Another endpoint can be named as an argument.
broker = sys.argv[1] if sys.argv[1:] else BACK
server = zmq.Context().socket(zmq.REP)
# The one difference: this server connects.
server.connect(broker)
print("Waiting for requests at", broker)

while True:
    [request] = server.recv_multipart()
    request = request.decode()
    print("Request says:", request)

    reply = f"Stop saying: {request}"
    print("Answering:", reply)
    server.send_string(reply)
