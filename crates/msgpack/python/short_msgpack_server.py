"""Counts the hats that each cat wears.
python3 short_msgpack_server.py [ENDPOINT]
Its Rust partner is examples/short-msgpack-server.rs.
"""

import collections
import sys

import msgpack
import zmq

at = (sys.argv[1:] or ["tcp://127.0.0.1:6789"])[0]
socket = zmq.Context().socket(zmq.REP)
socket.bind(at)
here = socket.get_string(zmq.LAST_ENDPOINT)
print(f"Waiting for requests at {here}")
count = collections.Counter()
while True:
    # What is no such request ends the program here.
    wears = msgpack.unpackb(socket.recv())["Wears"]
    cat, hat = wears["cat"], wears["hat"]
    print(f"Request: {cat} wears a {hat}")
    count[cat] += 1
    reply = {"Hats": {"cat": cat, "hats": count[cat]}}
    socket.send(msgpack.packb(reply))
