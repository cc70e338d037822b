"""Sends every datagram back to where it came from, until Ctrl-C.

Its partner is udp_echo_client.py, or udp-echo-client in Rust.

python udp_echo_server.py [HOST:PORT]

It takes its helpers from udp_client.py: copy that along.
"""

import argparse
import socket

from udp_client import address, run, shown


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="127.0.0.1:6789")
    run("udp_echo_server.py", serve, parser.parse_args())


def serve(args):
    family, where = address(args.address)
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind(where)
        bound = shown(server.getsockname())
        print(f"Echoing datagrams at {bound}", flush=True)
        while True:
            try:
                said, client = server.recvfrom(65535)
                server.sendto(said, client)
            except ConnectionResetError:
                pass  # Windows: an earlier answer met nobody


if __name__ == "__main__":
    main()
