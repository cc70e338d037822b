"""Sends messages and shows the answer to each.

Its partner is tcp_framed_server.py, or tcp-framed-server in Rust.

python tcp_framed_client.py [HOST:PORT] [MESSAGE ...]

It takes its helpers from framing.py: copy that along.
"""

import argparse
import signal
import socket
import sys

from framing import FRAMINGS


def main():
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    parser = arguments(__doc__, timeout=5)
    parser.add_argument("messages", nargs="*", default=["Hello!"])
    args = parser.parse_args()
    host, _, port = args.address.rpartition(":")
    try:
        with socket.create_connection(
            (host.strip("[]"), int(port)), args.timeout
        ) as server:
            talk(server.makefile("rwb"), args)
    except (OSError, EOFError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        sys.exit(f"tcp_framed_client.py: cannot talk with {args.address}: {why}")


def talk(server, args):
    write, read = FRAMINGS[args.framing]
    for message in args.messages:
        print(f"Send: {message}", flush=True)
        write(server, message.encode())
        server.flush()
        answer = read(server)
        if answer is None:
            raise EOFError("the server hung up")
        print(f"{args.address} says: {printable(answer)}", flush=True)


# What both programs share.


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def arguments(description, timeout):
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows's
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("address", nargs="?", default="127.0.0.1:6789")
    parser.add_argument("--framing", choices=FRAMINGS, default="length")
    parser.add_argument(
        "--timeout",
        type=float,
        default=timeout,
        help=f"seconds to wait for the other end (default: {timeout})",
    )
    return parser


if __name__ == "__main__":
    main()
