"""Sends numbered datagrams, one after the other, and counts what comes back.

Its partner is udp_echo_server.py, or udp-echo-server in Rust. Unlike
udp-echo-client in Rust it tries each number once.

python udp_echo_client.py [HOST:PORT] [--count 10]

It takes its helpers from udp_client.py: copy that along.
"""

import argparse
import socket
import sys
import time

from udp_client import address, run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="127.0.0.1:6789")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--timeout", type=float, default=1)
    run("udp_echo_client.py", talk, parser.parse_args())


def talk(args):
    family, server = address(args.address)
    received = 0
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.connect(server)
        for number in range(1, args.count + 1):
            text = f"Hello! #{number} try 1"
            print(f"Send: {text}, {len(text)} bytes", flush=True)
            sent = time.monotonic()
            client.send(text.encode())
            answer = receive(client, text.encode(), sent + args.timeout)
            if answer is None:
                print(f"No answer: {text}", flush=True)
            else:
                received += 1
                took = (time.monotonic() - sent) * 1000
                print(
                    f"Answer: {text}, {len(answer)} bytes, {took:.2f} ms",
                    flush=True,
                )
    lost = args.count - received
    print(f"Sent: {args.count}; received: {received}, lost: {lost}", flush=True)
    if args.count and not received:
        sys.exit(f"udp_echo_client.py: no answer from {args.address}: timed out")


def receive(client, wanted, end):
    """Waits for this answer, and passes over those that come too late."""
    while (left := end - time.monotonic()) > 0:
        client.settimeout(left)
        try:
            answer = client.recv(65535)
        except TimeoutError:
            return None
        if answer == wanted:
            return answer
    return None


if __name__ == "__main__":
    main()
