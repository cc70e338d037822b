"""Answers requests, one at a time, until Ctrl-C."""

import sys

import zmq

HERE = "tcp://127.0.0.1:6789"

# Another endpoint can be named as an argument.
here = sys.argv[1] if sys.argv[1:] else HERE
server = zmq.Context().socket(zmq.REP)
server.bind(here)
here = server.last_endpoint.decode()
print("Waiting for requests at", here)

# Whoever sent this request gets the next reply: REP
# keeps the address. The others wait for their turn.
while True:
    [request] = server.recv_multipart()
    request = request.decode()
    print("Request says:", request)

    reply = f"Stop saying: {request}"
    print("Answering:", reply)
    server.send_string(reply)
