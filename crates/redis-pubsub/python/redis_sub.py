"""Subscribes to two cats and shows each hat that is announced for them.

Its partner is redis_pub.py, or redis-pub in Rust. Unlike redis-sub in Rust it
ends when the server does. Needs redis-py: pip install redis

python redis_sub.py [redis://HOST:PORT]
"""

import argparse
import os
import signal
import sys
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CHANNELS = ["catA", "catC"]


def main():
    parser = arguments(__doc__, timeout=3)
    args = parser.parse_args()
    run("redis_sub.py", args, listen)


def listen(server, _args):
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
            hat = printable(message["data"])
            print(f"Subscribe: {cat} wears a {hat}", flush=True)


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    text = data.decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


# What both programs share.


def arguments(description, timeout):
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument(
        "url",
        nargs="?",
        default=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"),
        help="where the Redis server is (REDIS_URL, or redis://127.0.0.1:6379)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=timeout,
        help=f"seconds to wait for each answer (default: {timeout})",
    )
    return parser


def run(program, args, work):
    """Does the work with a connection, and ends the program."""
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows's
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))
    try:
        server = redis.from_url(
            args.url,
            socket_connect_timeout=args.timeout,
            socket_timeout=args.timeout,
            retry=Retry(NoBackoff(), 0),  # else the first error comes late
        )
        url = urlsplit(args.url)
        # Not url.netloc: the password is in it.
        address = f"{url.scheme}://{url.hostname}:{url.port or 6379}"
    except ValueError:
        sys.exit(f"{program}: the URL cannot be read: write it as redis://HOST:PORT")
    try:
        server.ping()
        work(server, args)
    except BrokenPipeError:
        os._exit(0)  # nobody reads our output any more
    except redis.RedisError as error:
        sys.exit(f"{program}: cannot use {address}: {explain(error)}")


def explain(error):
    if isinstance(error, redis.AuthenticationError):
        return "wrong or no password; put it in the URL, redis://:PASSWORD@HOST:PORT"
    if isinstance(error, redis.TimeoutError):
        return "timed out; is a Redis server running there?"
    if isinstance(error, redis.InvalidResponse):
        return "what answers there is no Redis server; is it the right port?"
    if isinstance(error.__context__, ConnectionRefusedError):
        return "connection refused; start a Redis server there, or give another URL"
    if isinstance(error, redis.ConnectionError):
        return "connection reset; did the server end?"
    return f"the server says {error}"


if __name__ == "__main__":
    main()
