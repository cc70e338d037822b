"""Reads whole messages from a stream and answers each, one client at a time.

Its partner is tcp_framed_client.py, or tcp-framed-client in Rust.

python tcp_framed_server.py [HOST:PORT] [--framing delimiter]

It takes its helpers from framing.py and tcp_framed_client.py: copy them along.
"""

import socket
import sys

from framing import FRAMINGS
from tcp_framed_client import arguments, printable

ANSWER = "Are you talking to me?"
WAYS = {
    "fixed": "fixed size",
    "length": "length prefix",
    "delimiter": "delimiter",
}


def main():
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    args = arguments(__doc__, timeout=60).parse_args()
    host, _, port = args.address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, int(port)), family=family)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        sys.exit(f"tcp_framed_server.py: cannot listen at {args.address}: {why}")
    address = shown(listener.getsockname())
    print(f"Waiting for clients at {address}, {WAYS[args.framing]}", flush=True)
    while True:
        client, peer = listener.accept()
        with client:
            client.settimeout(args.timeout)
            try:
                talk(client.makefile("rwb"), shown(peer), args.framing)
            except (OSError, EOFError, ValueError) as error:
                print(
                    f"tcp_framed_server.py: hung up on {shown(peer)}: {error}",
                    file=sys.stderr,
                )


def talk(client, peer, framing):
    write, read = FRAMINGS[framing]
    while (message := read(client)) is not None:
        print(f"{peer} says: {printable(message)}", flush=True)
        print(f"Answer: {ANSWER}", flush=True)
        write(client, ANSWER.encode())
        client.flush()


def shown(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


if __name__ == "__main__":
    main()
