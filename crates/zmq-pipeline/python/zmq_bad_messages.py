"""Sends messages that are none of those its partner expects.

Its partner is zmq-sink, zmq-log-collector, or with --bind zmq-worker.

python zmq_bad_messages.py ENDPOINT [--bind]

It takes its helpers from zmq_sink.py: copy that along.
"""

import zmq

from zmq_sink import arguments, bind, run

MESSAGES = [
    [b"one part"],
    [b"", b""],
    [b"a", b"b", b"c", b"d"],
    [b"done", b"1", b""],
    [b"done", b"cat", b"mallory"],
    [b"\xff\xfe", b"\xff\xfe"],
    [b"tasks", b"-1"],
    [b"1" * 1000, b"2"],
    [b"7", b"soon"],
]


def main():
    parser = arguments(__doc__, endpoint="tcp://127.0.0.1:6792")
    parser.add_argument("--bind", action="store_true")
    run("zmq_bad_messages.py", parser.parse_args(), send)


def send(context, args):
    socket = context.socket(zmq.PUSH)
    if args.bind:
        print("Waiting for peers. Endpoint:", bind(socket, args.endpoint), flush=True)
    else:
        socket.connect(args.endpoint)
    for parts in MESSAGES:
        # A pause would not be needed: a bound PUSH waits for its first peer.
        socket.send_multipart(parts)
    print("Messages sent:", len(MESSAGES), flush=True)


if __name__ == "__main__":
    main()
