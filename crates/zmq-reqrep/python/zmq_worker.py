"""Takes requests from a broker, one at a time, until Ctrl-C.
Its partner is zmq_broker.py, or zmq-broker. It is zmq_server.py but for one
word: it connects.

python3 zmq_worker.py [tcp://HOST:PORT]
"""

import signal
import sys

import zmq
from zmq.utils.monitor import recv_monitor_message

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

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6790"
server = zmq.Context().socket(zmq.REP)
server.linger = 1000
# connect() returns at once; when the broker is there, the monitor tells.
# Should it go away, libzmq connects again by itself.
monitor = server.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
server.connect(endpoint)
recv_monitor_message(monitor)
print(f"Waiting for requests at {endpoint}", flush=True)
while True:
    request = server.recv()
    print(f"Request says: {printable(request)}", flush=True)
    answer = b"Stop saying: " + request
    print(f"Answering: {printable(answer)}", flush=True)
    server.send(answer)
