"""Connects a REQ socket, says Hello! and shows the answer.

python3 zmq_caller.py [ENDPOINT]        (needs pyzmq)
"""

import sys

import zmq


def main():
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
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
            answer = printable(socket.recv())
        except zmq.Again:
            sys.exit(f"zmq_caller: no answer from {endpoint} in 5 s")
        print(f"{endpoint} said {answer}", flush=True)


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


if __name__ == "__main__":
    main()
