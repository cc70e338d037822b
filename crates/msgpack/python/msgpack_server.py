"""Counts the hats that each cat wears, until Ctrl-C.
Its partner is msgpack_client.py, or msgpack-client.

python3 msgpack_server.py [tcp://HOST:PORT]
"""

import collections
import signal
import sys

import msgpack
import zmq

# What a terminal cannot show is printed as an escape.
sys.stdout.reconfigure(errors="backslashreplace")

MOST_CATS = 1000

count = collections.Counter()


def stop(*_):
    sys.exit(0)


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def answer(data):
    """The reply to any bytes. There are no types: each step is a check."""
    # What is claimed cannot be longer than what is there; unpackb refuses
    # what stands behind the value.
    request = msgpack.unpackb(data)
    # A kind with nothing in it is its name.
    if request == "Ping":
        print("Request: ping", flush=True)
        return "Pong"
    if not isinstance(request, dict) or list(request) != ["Wears"]:
        raise ValueError("expected one of Ping, Wears")
    cat, hat = request["Wears"]["cat"], request["Wears"]["hat"]
    if not isinstance(cat, str) or not isinstance(hat, str):
        raise ValueError("cat and hat must be text")
    said, worn = printable(cat.encode()), printable(hat.encode())
    print(f"Request: {said} wears a {worn}", flush=True)
    if cat not in count and len(count) >= MOST_CATS:
        raise ValueError(f"there are {MOST_CATS} cats already")
    count[cat] += 1
    return {"Hats": {"cat": cat, "hats": count[cat]}}


signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6789"
socket = zmq.Context().socket(zmq.REP)
socket.linger = 1000
try:
    socket.bind(endpoint)
except zmq.ZMQError as error:
    sys.exit(f"msgpack_server.py: cannot bind to {endpoint}: {error}")
here = socket.get_string(zmq.LAST_ENDPOINT)
print(f"Waiting for requests at {here}", flush=True)
while True:
    try:
        reply = answer(socket.recv())
    # unpackb alone has a dozen kinds of exceptions.
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        print(f"msgpack_server.py: refused: {why!r}", file=sys.stderr)
        reply = {"Refused": {"why": why}}
    socket.send(msgpack.packb(reply))
