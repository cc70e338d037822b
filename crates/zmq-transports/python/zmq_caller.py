"""Connects a REQ socket, says Hello! and shows the answer.

python3 zmq_caller.py [ENDPOINT]        (needs pyzmq)
"""

import sys

import zmq


def main():
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6789"
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        # Without this the program would wait for ever at its end for a
        # listener that never came.
        socket.linger = 0
        socket.rcvtimeo = 5000
        socket.connect(endpoint)
        print(f"Saying to {endpoint}: Hello!", flush=True)
        socket.send(b"Hello!")
        try:
            answer = socket.recv().decode(errors="backslashreplace")
        except zmq.Again:
            sys.exit(f"zmq_caller: no answer from {endpoint} in 5 s")
        print(f"{endpoint} said {answer}", flush=True)


if __name__ == "__main__":
    main()
