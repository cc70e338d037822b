"""Says something through the gate, in Python, and shows what comes back."""

import sys

import zmq

# What a terminal cannot show is printed as an escape.
sys.stdout.reconfigure(errors="backslashreplace")

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6789"
text = sys.argv[2] if len(sys.argv) > 2 else "Miaow!"
context = zmq.Context()
socket = context.socket(zmq.REQ)
# In milliseconds: how long to wait, and what to do with the unsent at the end.
socket.setsockopt(zmq.RCVTIMEO, 5000)
socket.setsockopt(zmq.LINGER, 0)
socket.connect(endpoint)
print(f"Asking: {text}, {len(text.encode())} bytes", flush=True)
socket.send_string(text)
try:
    print("Came back:", sum(map(len, socket.recv_multipart())), "bytes")
except zmq.Again:
    sys.exit("zmq_ask.py: timed out; is it refused, or nobody there?")
