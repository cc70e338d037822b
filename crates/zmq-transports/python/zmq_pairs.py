"""Connects a socket of each type to a socket of each type and prints which
of them come to terms: what zmq-pairs does, here with libzmq.

python3 zmq_pairs.py                 connects them to each other
python3 zmq_pairs.py --bind FOLDER   binds one of each, for zmq-pairs --with

(needs pyzmq)
"""

import os
import sys
import tempfile

import zmq
from zmq.utils.monitor import recv_monitor_message

NAMES = "REQ REP DEALER ROUTER PUB SUB XPUB XSUB PUSH PULL".split()
LIMIT = 5000  # milliseconds


def main():
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    if sys.argv[1:2] == ["--bind"]:
        return bind_all(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        try_all(folder)


def bind_all(folder):
    os.makedirs(folder, exist_ok=True)
    context = zmq.Context()
    # A socket that nobody keeps is closed.
    sockets = {name: context.socket(getattr(zmq, name)) for name in NAMES}
    for name, socket in sockets.items():
        socket.bind(f"ipc://{folder}/{name}")
    print(f"Bound one of each in {folder}", flush=True)
    try:
        context.socket(zmq.PULL).recv()  # nobody sends: until Ctrl-C
    except KeyboardInterrupt:
        context.destroy(linger=0)


def try_all(folder):
    print("bound  ", *NAMES, flush=True)
    count = 0
    for bound in NAMES:
        row = f"{bound:7}"
        for name in NAMES:
            fits = comes_to_terms(bound, name, f"ipc://{folder}/socket")
            row += f" {'yes' if fits else '-':^{len(name)}}"
            count += fits
        print(row.rstrip(), flush=True)
    print(f"{count} of 100 pairs come to terms")


def comes_to_terms(bound, name, endpoint):
    """Whether the handshake of the two succeeds.

    libzmq reports nothing to a socket whose partner is of the wrong type: it
    drops the connection. Only a monitor sees it.
    """
    with zmq.Context() as context:
        server = context.socket(getattr(zmq, bound))
        client = context.socket(getattr(zmq, name))
        events = client.get_monitor_socket()
        server.bind(endpoint)
        client.connect(endpoint)
        while events.poll(LIMIT):
            event = recv_monitor_message(events)["event"]
            if event in (zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED):
                break
        else:
            sys.exit(f"zmq_pairs: {name} said nothing about {bound}")
        client.disable_monitor()
        for socket in (events, client, server):
            socket.close(linger=0)
        return event == zmq.EVENT_HANDSHAKE_SUCCEEDED


if __name__ == "__main__":
    main()
