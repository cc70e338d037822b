"""Subscribes to cats and shows each hat that is announced for them.

Its partner is zmq_pub.py, or zmq-pub in Rust. Needs pyzmq: pip install pyzmq

python zmq_sub.py [tcp://HOST:PORT]... [--prefix cat]
"""

import argparse
import os
import signal
import sys

import zmq


def main():
    parser = arguments(__doc__, endpoints="*")
    parser.add_argument(
        "--prefix",
        action="append",
        dest="prefixes",
        help="what messages begin with (default: catA and catC)",
    )
    run("zmq_sub.py", parser.parse_args(), listen)


def listen(context, args):
    prefixes = args.prefixes or ["catA", "catC"]
    subscriber = context.socket(zmq.SUB)
    for prefix in prefixes:
        subscriber.setsockopt_string(zmq.SUBSCRIBE, prefix)
    for endpoint in args.endpoints or ["tcp://127.0.0.1:6789"]:
        # Returns at once, whether somebody is there or not.
        subscriber.connect(endpoint)
    shown = [printable(prefix.encode()) for prefix in prefixes]
    print("Subscribed to", ", ".join(shown), flush=True)
    while True:
        parts = subscriber.recv_multipart()
        try:
            # What is no text raises this error, too.
            cat, hat = (part.decode() and printable(part) for part in parts)
            print(f"Subscribe: {cat} wears a {hat}", flush=True)
        except ValueError:
            print("zmq_sub.py: skipped a message:", parts, file=sys.stderr)


# What both programs share.


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def arguments(text, endpoints):
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    if endpoints == 1:
        default = "tcp://127.0.0.1:6789"
        parser.add_argument("endpoint", nargs="?", default=default)
        parser.add_argument(
            "--patience", type=float, default=60, help="seconds to wait"
        )
    else:
        parser.add_argument("endpoints", nargs=endpoints)
    return parser


def run(name, args, work):
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    # Ctrl-C and SIGTERM are a normal end; what is still queued does not
    # matter then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    context = zmq.Context()
    try:
        work(context, args)
    except zmq.ZMQError as error:
        context.destroy(linger=0)
        sys.exit(f"{name}: {error.strerror or error}")
    # Waits until all is sent, or LINGER is over.
    context.term()


if __name__ == "__main__":
    main()
