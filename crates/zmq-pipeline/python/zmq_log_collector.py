"""Collects the lines that programs push in one file, until Ctrl-C.

Its partner is zmq_log.py, or zmq-log in Rust.

python zmq_log_collector.py [ENDPOINT] [--to FILE]

It takes its helpers from zmq_sink.py: copy that along.
"""

import sys

import zmq

from zmq_sink import arguments, bind, printable, run


def main():
    parser = arguments(__doc__, endpoint="tcp://127.0.0.1:6793")
    parser.add_argument("--to", default="collected.log")
    parser.add_argument("--show", action="store_true")
    run("zmq_log_collector.py", parser.parse_args(), collect)


def collect(context, args):
    lines = context.socket(zmq.PULL)
    with open(args.to, "a", encoding="utf-8") as file:
        endpoint = bind(lines, args.endpoint)
        print("Waiting for lines. Endpoint:", endpoint, flush=True)
        while True:
            parts = lines.recv_multipart()
            if len(parts) != 2:
                print("zmq_log_collector.py: skipped:", parts, file=sys.stderr)
                continue
            # Escaped, whatever a program says is one line.
            line = ": ".join(printable(part) for part in parts)
            if args.show:
                print(line, flush=True)
            print(line, file=file, flush=True)


if __name__ == "__main__":
    main()
