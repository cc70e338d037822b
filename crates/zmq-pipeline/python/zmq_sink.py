"""Collects results until all are there, and says who did how many.

Its partners are zmq-ventilator and zmq-worker in Rust or in Python. What all
programs here share is in this file, too. Needs pyzmq: pip install pyzmq

python zmq_sink.py [RESULTS]
"""

import argparse
import collections
import signal
import sys
import time

import zmq


def main():
    parser = arguments(__doc__, results="tcp://127.0.0.1:6792")
    parser.add_argument("--timeout", type=seconds, default=10)
    run("zmq_sink.py", parser.parse_args(), collect)


def collect(context, args):
    results = context.socket(zmq.PULL)
    print("Waiting for results. Endpoint:", bind(results, args.results), flush=True)
    expected, done, begin = None, {}, None
    while expected is None or len(done) < expected:
        # Without a limit a PULL socket waits for ever, whoever has gone.
        if begin and not results.poll(args.timeout * 1000):
            missing = set(range(1, (expected or 0) + 1)) - set(done)
            sys.exit(f"zmq_sink.py: timed out; missing: {sorted(missing)}")
        parts = results.recv_multipart()
        begin = begin or time.monotonic()
        counts = len(parts) > 1 and parts[1].isdigit()
        if counts and len(parts) == 2 and parts[0] == b"tasks" and not expected:
            expected = int(parts[1])
            print("Tasks to come:", expected, flush=True)
        elif counts and len(parts) == 3 and parts[0] == b"done":
            done[int(parts[1])] = printable(parts[2])
        else:
            print("zmq_sink.py: message skipped:", parts, file=sys.stderr)
    for worker, count in sorted(collections.Counter(done.values()).items()):
        print(f"{worker}: {count}")
    print(f"All {expected} done in {time.monotonic() - begin:.2f} s", flush=True)


# What all programs share.


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def bind(socket, endpoint):
    socket.bind(endpoint)
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def seconds(text):
    number = float(text)
    if not 0 < number <= 365 * 24 * 60 * 60:  # false for nan, too
        raise argparse.ArgumentTypeError(
            "must be more than 0 seconds, and at most a year"
        )
    return number


def arguments(description, **endpoints):
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    for name, default in endpoints.items():
        parser.add_argument(name, nargs="?", default=default)
    return parser


def run(program, args, work):
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows's
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))
    try:
        # Leaving the block waits until what was sent is with the system:
        # pyzmq's linger is without a limit unless told otherwise.
        with zmq.Context() as context:
            work(context, args)
    except zmq.ZMQError as error:
        sys.exit(f"{program}: {error.strerror}")


if __name__ == "__main__":
    main()
