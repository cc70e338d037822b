"""Tells a server which cat wears which hat, and prints what it replies.
Its partner is msgpack_server.py, or msgpack-server.

python3 msgpack_client.py [tcp://HOST:PORT]
"""

import sys

import msgpack
import zmq

# What a terminal cannot show is printed as an escape.
sys.stdout.reconfigure(errors="backslashreplace")

PATIENCE = 2500  # milliseconds

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6789"
socket = zmq.Context().socket(zmq.REQ)
socket.linger = 0
socket.connect(endpoint)


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def ask(request):
    socket.send(msgpack.packb(request))
    if not socket.poll(PATIENCE):
        sys.exit(f"msgpack_client.py: no reply from {endpoint}: timed out")
    reply = msgpack.unpackb(socket.recv())
    if "Refused" in reply:
        why = reply["Refused"]["why"]
        sys.exit(f"msgpack_client.py: the server refuses: {why!r}")
    return reply


print("Request: ping", flush=True)
if ask("Ping") == "Pong":
    print("Reply: pong", flush=True)
for cat, hat in ("catA", "hatB"), ("catA", "hatD"):
    print(f"Request: {cat} wears a {hat}", flush=True)
    hats = ask({"Wears": {"cat": cat, "hat": hat}})["Hats"]
    cat = printable(hats["cat"].encode())
    print(f"Reply: hats of {cat} so far: {hats['hats']}", flush=True)
