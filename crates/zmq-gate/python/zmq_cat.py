"""What stands behind the gate, in Python: repeats what it hears."""

import signal
import sys

import zmq

# What a terminal cannot show is printed as an escape.
sys.stdout.reconfigure(errors="backslashreplace")


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


signal.signal(signal.SIGTERM, signal.default_int_handler)

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6788"
context = zmq.Context()
socket = context.socket(zmq.REP)
# pyzmq's own name for port 0.
socket.bind(endpoint.replace(":0", ":*"))
print("Waiting at", socket.last_endpoint.decode().rstrip("\0"), flush=True)
try:
    while True:
        parts = socket.recv_multipart()
        print("Heard:", printable(parts[0]), flush=True)
        socket.send_multipart(parts)
except KeyboardInterrupt:
    context.destroy(linger=0)
