"""Sends to an echo server without ever reading what comes back, and says how
that ends. Its partner is tcp-echo-server in Rust.

python tcp_never_reads.py [HOST:PORT]

It takes its helpers from tcp_client.py: copy that along.
"""

import socket

from tcp_client import address_of, options, run


def main():
    run("tcp_never_reads.py", options(__doc__).parse_args(), pour)


def pour(args):
    family, address = address_of(args.address)
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(args.timeout)
        connection.connect(address)
        print("Sending, and never reading", flush=True)
        data = b"Hello!\n" * 10_000
        try:
            while True:
                # Waits when the buffers of both sides are full.
                connection.sendall(data)
        except (ConnectionResetError, BrokenPipeError, ConnectionAbortedError):
            print("The server has closed the connection", flush=True)


if __name__ == "__main__":
    main()
