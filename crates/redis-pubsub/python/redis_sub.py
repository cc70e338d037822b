"""Subscribes to two cats and shows each hat that is announced for them.

Its partner is redis_pub.py, or redis-pub in Rust. Unlike redis-sub in Rust it
ends when the server does. Needs redis-py: pip install redis

python redis_sub.py [redis://HOST:PORT]
"""

import argparse
import os
import re
import signal
import socket
import sys
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CHANNELS = ["catA", "catC"]


def main():
    parser = arguments(__doc__, timeout=3)
    parser.add_argument(
        "--max-shown",
        type=int,
        default=1024,
        metavar="BYTES",
        help="how much of a message to show (default: 1024)",
    )
    run("redis_sub.py", parser.parse_args(), listen)


def listen(server, args):
    subscription = server.pubsub()
    subscription.subscribe(*CHANNELS)
    confirmed = 0
    for message in subscription.listen():
        if message["type"] == "subscribe":
            confirmed += 1
            if confirmed == len(CHANNELS):
                print("Subscribed to", ", ".join(CHANNELS), flush=True)
        elif message["type"] == "message":
            cat = message["channel"].decode()
            hat = shortened(message["data"], args.max_shown)
            print(f"Subscribe: {cat} wears a {hat}", flush=True)


def shortened(data, limit):
    if len(data) <= limit:
        return printable(data)
    return f"{printable(data[:limit])}... ({len(data)} bytes)"


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


# What both programs share.


class Parser(argparse.ArgumentParser):
    def error(self, message):
        # It quotes what it cannot use, and that may be a URL with a password.
        message = re.sub("(?s)(://|'|arguments: ).*@", r"\1***@", message)
        message = re.sub("(?s)://(?!\\*\\*\\*@).*", "://***", message)
        super().error(message)


def seconds(text):
    number = float(text)
    if not 0 < number <= 365 * 24 * 60 * 60:  # false for nan, too
        raise argparse.ArgumentTypeError(
            "must be more than 0 seconds, and at most a year"
        )
    return number


def arguments(description, timeout):
    parser = Parser(description=description.splitlines()[0])
    parser.add_argument(
        "url",
        nargs="?",
        default=os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379",
        help="where the Redis server is (REDIS_URL, or redis://127.0.0.1:6379)",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=timeout,
        metavar="SECONDS",
        help=f"seconds to wait for each answer (default: {timeout})",
    )
    return parser


def run(program, args, work):
    """Does the work with a connection, and ends the program."""
    # What a terminal cannot show is printed as an escape.
    sys.stdout.reconfigure(errors="backslashreplace")
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows's
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))
    try:
        # A password with such a character would be taken for the host.
        if re.search("[/?#].*@", args.url.partition("://")[2]):
            raise ValueError
        server = redis.from_url(
            args.url,
            socket_connect_timeout=args.timeout,
            socket_timeout=args.timeout,
            retry=Retry(NoBackoff(), 0),  # else the first error comes late
        )
        url = urlsplit(args.url)
        # What stands before the @ may be a password.
        place = url.netloc.rpartition("@")[2] or url.path
        if url.hostname and not url.port:
            place += ":6379"
        address = f"{url.scheme}://{place}"
    except ValueError:
        sys.exit(
            f"{program}: the URL cannot be read: write it as redis://HOST:PORT,"
            " and in a password # as %23, / as %2F, ? as %3F, @ as %40"
        )
    try:
        # Connects and logs in. Not ping: there are users who may not.
        pool = server.connection_pool
        pool.release(pool.get_connection())
        work(server, args)
    except BrokenPipeError:
        os._exit(0)  # nobody reads our output any more
    except OSError as error:
        # What redis-py raises is no OSError: this came of printing.
        print(f"{program}: cannot write to stdout: {error.strerror}", file=sys.stderr)
        os._exit(1)  # not exit: it would try to write the rest, and fail again
    except redis.RedisError as error:
        sys.exit(f"{program}: cannot use {address}: {explain(error)}")


def explain(error):
    if isinstance(error, redis.AuthenticationError):
        return "wrong or no password; put it in the URL, redis://:PASSWORD@HOST:PORT"
    if isinstance(error, redis.TimeoutError):
        return "timed out; is a Redis server running there?"
    if isinstance(error, redis.InvalidResponse):
        return "what answers there is no Redis server; is it the right port?"
    cause = error.__context__
    if isinstance(cause, socket.gaierror):
        return "host name not found; check the spelling"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused; start a Redis server there, or give another URL"
    if isinstance(cause, ConnectionError) or "closed by server" in str(error):
        return "connection reset; did the server end?"
    if isinstance(error, redis.ConnectionError):
        why = getattr(cause, "strerror", None) or error
        return f"{why}; check the URL, and this machine's network"
    return f"the server says {error}"


if __name__ == "__main__":
    main()
