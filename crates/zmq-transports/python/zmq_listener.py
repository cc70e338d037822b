"""Binds a REP socket and answers whoever says something, until Ctrl-C.

python3 zmq_listener.py [ENDPOINT]        (needs pyzmq)
"""

import sys

import zmq


def main():
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6789"
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.bind(endpoint)
        place = socket.last_endpoint.decode().rstrip("\0")
        print(f"Waiting for callers. Endpoint: {place}", flush=True)
        while True:
            heard = socket.recv().decode(errors="backslashreplace")
            print(f"A caller said {heard}", flush=True)
            print("Answering: Are you talking to me?", flush=True)
            socket.send(b"Are you talking to me?")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
