"""Publishes which cat wears which hat, once enough subscriptions are there.

Its partner is zmq_sub.py, or zmq-sub in Rust. Needs pyzmq: pip install pyzmq

python zmq_pub.py [tcp://HOST:PORT] [--seed 7] [--expect 2]

It takes its helpers from zmq_sub.py: copy that along.
"""

import random
import sys
import time

import zmq
from zmq_sub import arguments, printable, run

CATS = ["catA", "catB", "catC", "catD"]
HATS = ["hatA", "hatB", "hatC", "hatD"]


def main():
    parser = arguments(__doc__, endpoints=1)
    parser.add_argument("--count", type=int, default=10, help="how many messages")
    parser.add_argument("--seed", type=int, help="same number, same messages")
    parser.add_argument(
        "--expect", type=int, default=2, help="subscriptions to wait for"
    )
    parser.add_argument(
        "--odd", action="store_true", help="send messages of a wrong form, too"
    )
    run("zmq_pub.py", parser.parse_args(), publish)


def publish(context, args):
    publisher = context.socket(zmq.XPUB)
    # Without this, libzmq reports only the first of equal subscriptions.
    publisher.setsockopt(zmq.XPUB_VERBOSE, 1)
    # What is not sent yet when the socket is closed: libzmq waits for ever
    # unless told otherwise.
    publisher.setsockopt(zmq.LINGER, 5000)
    publisher.bind(args.endpoint)
    # The last endpoint is the real one: port 0 takes any free port.
    endpoint = publisher.getsockopt_string(zmq.LAST_ENDPOINT)
    print(f"Waiting for {args.expect} subscriptions at {endpoint}", flush=True)
    gather(publisher, endpoint, args)
    chance = random.Random(args.seed)
    for number in range(1, args.count + 1):
        cat, hat = chance.choice(CATS), chance.choice(HATS)
        print(f"Publish: message {number} : {cat} wears a {hat}", flush=True)
        publisher.send_multipart([cat.encode(), hat.encode()])
    if args.odd:
        for parts in [
            [b"catA"],
            [b"catA", b"hatA", b"hatB"],
            [b"catA", b""],
            [b"catA", b"hat\xff"],
            [b"catC\x1b[31m", b"hatC"],
        ]:
            print("Publish:", parts, flush=True)
            publisher.send_multipart(parts)
    publisher.close()


def gather(publisher, endpoint, args):
    prefixes = []
    deadline = time.monotonic() + args.patience
    while len(prefixes) < args.expect:
        left = max(0, deadline - time.monotonic())
        if not publisher.poll(left * 1000):
            sys.exit(
                f"zmq_pub.py: waited for {args.expect} subscriptions at "
                f"{endpoint}, and there were {len(prefixes)}: timed out"
            )
        # A 1 and the prefix for a subscription, a 0 for its end.
        kind, *prefix = publisher.recv()
        if kind == 1:
            prefixes.append(bytes(prefix))
        elif kind == 0:
            prefixes.remove(bytes(prefix))
    print("Subscriptions:", ", ".join(map(printable, sorted(prefixes))), flush=True)


if __name__ == "__main__":
    main()
