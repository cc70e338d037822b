"""Takes tasks, works, and pushes the results on."""

import sys
import time

import zmq
from zmq.utils.monitor import recv_monitor_message as news

DEFAULT = "tcp://127.0.0.1:6791", "tcp://127.0.0.1:6792"

name = sys.argv[1] if sys.argv[1:] else "alice"
source, to = sys.argv[2:] or DEFAULT

context = zmq.Context()
tasks = context.socket(zmq.PULL)
events = tasks.get_monitor_socket()
tasks.connect(source)
connected = zmq.EVENT_HANDSHAKE_SUCCEEDED
while news(events)["event"] != connected:
    pass
results = context.socket(zmq.PUSH)
results.connect(to)
print(name, "is ready for tasks")

while True:
    number, size = tasks.recv_multipart()
    print(f"Task {number.decode()}: {size.decode()} ms")
    # In place of work.
    time.sleep(int(size) / 1000)
    results.send_multipart([number, name.encode()])
