"""Calls a server, says Hello! and shows what it answers.

Its partner is tcp_server.py, or tcp-server in Rust.

python tcp_client.py [HOST:PORT]
"""

import argparse
import signal
import socket
import sys
import time


def main():
    run("tcp_client.py", options(__doc__).parse_args(), call)


def call(args):
    print(f"Starting the client at {now()}", flush=True)
    family, address = address_of(args.address)
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(args.timeout)
        connection.connect(address)
        print(f"Saying to {args.address}: Hello!", flush=True)
        connection.sendall(b"Hello!\n")
        said = printable(read_line(connection))
        print(f"At {now()} {args.address} said {said}", flush=True)


# What the programs share.


def read_line(connection, longest=1024):
    line = b""
    while b"\n" not in line:
        piece = connection.recv(512)
        if not piece:
            raise OSError("it closed before its message was whole")
        line += piece
        if len(line) > longest:
            raise OSError(f"a line of more than {longest} bytes")
    return line.partition(b"\n")[0]


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def address_of(text):
    host, _, port = text.rpartition(":")
    found = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM
    )
    return found[0][0], found[0][4]


def shown(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def options(description):
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("address", nargs="?", default="127.0.0.1:6789")
    parser.add_argument("--timeout", type=float, default=5, help="seconds")
    return parser


def run(program, args, work):
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows's
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))
    try:
        work(args)
    except (OSError, ValueError) as error:
        sys.exit(f"{program}: {args.address}: {error}")


if __name__ == "__main__":
    main()
