"""Pushes the lines of its stdin to a collector, under a name.

Its partner is zmq_log_collector.py, or zmq-log-collector in Rust.

some-program | python zmq_log.py [ENDPOINT] [--name carol]

It takes its helpers from zmq_sink.py: copy that along.
"""

import os
import sys

import zmq

from zmq_sink import arguments, run


def main():
    parser = arguments(__doc__, endpoint="tcp://127.0.0.1:6793")
    parser.add_argument("--name", default=f"log-{os.getpid()}")
    run("zmq_log.py", parser.parse_args(), pass_on)


def pass_on(context, args):
    collector = context.socket(zmq.PUSH)
    # Connects in the background, for ever, also again: send waits until
    # somebody is there and has room in its queue (1,000 messages).
    collector.connect(args.endpoint)
    print(f"{args.name}: lines go to {args.endpoint}", flush=True)
    count = 0
    for line in sys.stdin.buffer:
        text = line.rstrip(b"\r\n").decode(errors="replace")
        collector.send_multipart([args.name.encode(), text.encode()])
        count += 1
    print("Lines sent:", count, flush=True)


if __name__ == "__main__":
    main()
