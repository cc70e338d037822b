"""Publishes which cat wears which hat, and counts what somebody heard.

Its partner is redis_sub.py, or redis-sub in Rust. Needs redis-py:
pip install redis

python redis_pub.py [redis://HOST:PORT] [--seed 7]

It takes its helpers from redis_sub.py: copy that along.
"""

import random
import sys

from redis_sub import arguments, run

CATS = ["catA", "catB", "catC", "catD"]
HATS = ["hatA", "hatB", "hatC", "hatD"]


def main():
    parser = arguments(__doc__, timeout=5)
    parser.add_argument("--count", type=int, default=10, help="how many messages")
    parser.add_argument("--seed", type=int, help="same number, same messages")
    parser.add_argument(
        "--step", action="store_true", help="wait for Enter before each message"
    )
    run("redis_pub.py", parser.parse_args(), publish)


def publish(server, args):
    chance = random.Random(args.seed)
    sent = heard = 0
    for number in range(1, args.count + 1):
        if args.step:
            print(f"Press Enter to publish message {number}", flush=True)
            if not sys.stdin.readline():
                break
        cat, hat = chance.choice(CATS), chance.choice(HATS)
        print(f"Publish: message {number} : {cat} wears a {hat}", flush=True)
        # The reply is the number of subscribers the server passed it to.
        receivers = server.publish(cat, hat)
        sent += 1
        heard += receivers > 0
    print(
        f"Messages sent: {sent}; heard by somebody: {heard},"
        f" by nobody: {sent - heard}",
        flush=True,
    )


if __name__ == "__main__":
    main()
