"""Answers any number of clients, one request at a time, until Ctrl-C.
Its partner is zmq_client.py, or zmq-client.

python3 zmq_server.py [tcp://HOST:PORT]
"""

import signal
import sys

import zmq

# What a terminal cannot show is printed as an escape.
sys.stdout.reconfigure(errors="backslashreplace")


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


signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6789"
server = zmq.Context().socket(zmq.REP)
server.linger = 1000
try:
    server.bind(endpoint)
except zmq.ZMQError as error:
    sys.exit(f"zmq_server.py: cannot bind to {endpoint}: {error}")
# Where it really is: the system has chosen a port if 0 was asked for.
endpoint = server.get_string(zmq.LAST_ENDPOINT)
print(f"Waiting for requests at {endpoint}", flush=True)
while True:
    # More parts than one end this program with an exception; zmq-server
    # answers them.
    [request] = server.recv_multipart()
    print(f"Request says: {printable(request)}", flush=True)
    answer = b"Stop saying: " + request
    print(f"Answering: {printable(answer)}", flush=True)
    server.send(answer)
