"""Sends one datagram and waits for the answer.

Its partner is udp_server.py, or udp-server in Rust.

python udp_client.py [HOST:PORT] [--connect]
"""

import argparse
import signal
import socket
import sys
from datetime import datetime, timezone


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="127.0.0.1:6789")
    parser.add_argument("--connect", action="store_true")
    parser.add_argument("--timeout", type=float, default=5)
    run("udp_client.py", talk, parser.parse_args())


def talk(args):
    print(f"Starting the client at {now()}", flush=True)
    family, server = address(args.address)
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(args.timeout)
        print(f"Sending Hello! to {args.address}", flush=True)
        if args.connect:
            client.connect(server)
            client.send(b"Hello!")
        else:
            client.sendto(b"Hello!", server)
        said, sender = client.recvfrom(65535)
        print(
            f"At {now()} {shown(sender)} said {printable(said)}", flush=True
        )


# What the Python programs share.


def address(text):
    """The family and the address that HOST:PORT stands for."""
    host, _, port = text.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_DGRAM)
    return found[0][0], found[0][4]


def shown(address):
    host, port = address[:2]  # IPv6 has two more
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def run(program, work, args):
    """Does the work and ends the program, also on Ctrl-C and SIGTERM."""
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows's
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))
    try:
        work(args)
    except socket.gaierror:
        sys.exit(f"{program}: cannot find {args.address}; write it as HOST:PORT")
    except TimeoutError:
        sys.exit(f"{program}: no answer from {args.address}: timed out")
    except ConnectionRefusedError:
        sys.exit(f"{program}: no answer from {args.address}: connection refused")
    except OSError as error:
        sys.exit(f"{program}: cannot use {args.address}: {error.strerror}")


if __name__ == "__main__":
    main()
