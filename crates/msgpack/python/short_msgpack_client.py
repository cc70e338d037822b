"""Tells a server which cat wears which hat.
python3 short_msgpack_client.py [ENDPOINT]
Its Rust partner is examples/short-msgpack-client.rs.
"""

import sys

import msgpack
import zmq

at = (sys.argv[1:] or ["tcp://127.0.0.1:6789"])[0]
socket = zmq.Context().socket(zmq.REQ)
socket.connect(at)
for cat, hat in ("catA", "hatB"), ("catA", "hatD"):
    print(f"Request: {cat} wears a {hat}")
    # {"Wears": {"cat": "catA", "hat": "hatB"}}
    request = {"Wears": {"cat": cat, "hat": hat}}
    socket.send(msgpack.packb(request))
    reply = msgpack.unpackb(socket.recv())["Hats"]
    cat, hats = reply["cat"], reply["hats"]
    print(f"Reply: hats of {cat} so far: {hats}")
