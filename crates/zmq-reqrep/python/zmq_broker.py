"""Stands between clients and servers, until Ctrl-C.
Its partners are zmq_client.py and zmq_worker.py, or zmq-client, and
zmq-server with --connect.

python3 zmq_broker.py [FRONT] [BACK]
"""

import signal
import sys

import zmq

# What a terminal cannot show is printed as an escape.
sys.stdout.reconfigure(errors="backslashreplace")

signal.signal(signal.SIGTERM, signal.default_int_handler)

ENDPOINTS = ["tcp://127.0.0.1:6789", "tcp://127.0.0.1:6790"]
given = sys.argv[1:3]
front_at, back_at = given + ENDPOINTS[len(given) :]

context = zmq.Context()
front = context.socket(zmq.ROUTER)
back = context.socket(zmq.DEALER)
for end, endpoint in (front, front_at), (back, back_at):
    # What nobody takes in a second after Ctrl-C is thrown away.
    end.linger = 1000
    try:
        end.bind(endpoint)
    except zmq.ZMQError as error:
        sys.exit(f"zmq_broker.py: cannot bind to {endpoint}: {error}")
clients = front.get_string(zmq.LAST_ENDPOINT)
servers = back.get_string(zmq.LAST_ENDPOINT)
print(
    f"Waiting for clients at {clients} and for servers at {servers}",
    flush=True,
)
try:
    # A client that has gone is no error here: libzmq drops its reply. With no
    # server there, requests wait in libzmq's queues, then at the clients.
    zmq.proxy(front, back)
except KeyboardInterrupt:
    pass
