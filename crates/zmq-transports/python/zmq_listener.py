"""Binds a REP socket and answers whoever says something, until Ctrl-C.

python3 zmq_listener.py [ENDPOINT]        (needs pyzmq)
"""

import sys

import zmq


def main():
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6789"
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.bind(endpoint)
        place = socket.last_endpoint.decode().rstrip("\0")
        print(f"Waiting for callers. Endpoint: {place}", flush=True)
        while True:
            heard = printable(socket.recv())
            print(f"A caller said {heard}", flush=True)
            print("Answering: Are you talking to me?", flush=True)
            socket.send(b"Are you talking to me?")


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
