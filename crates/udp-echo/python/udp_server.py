"""Waits for one datagram, answers it and ends.

Its partner is udp_client.py, or udp-client in Rust.

python udp_server.py [HOST:PORT]

It takes its helpers from udp_client.py: copy that along.
"""

import argparse
import socket

from udp_client import address, now, printable, run, shown


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="127.0.0.1:6789")
    run("udp_server.py", serve, parser.parse_args())


def serve(args):
    print(f"Starting the server at {now()}", flush=True)
    family, where = address(args.address)
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind(where)
        bound = shown(server.getsockname())
        print(f"Waiting for a client to call. Address: {bound}", flush=True)
        said, client = server.recvfrom(65535)
        print(
            f"At {now()} {shown(client)} said {printable(said)}", flush=True
        )
        answer = "Are you talking to me?"
        print(f"Answering: {answer}", flush=True)
        server.sendto(answer.encode(), client)


if __name__ == "__main__":
    main()
