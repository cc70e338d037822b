"""A socket of another type where a publisher is expected: a REP answers
requests, and a subscriber makes none. Needs pyzmq: pip install pyzmq

python zmq_reply.py [tcp://HOST:PORT]

It takes its helpers from zmq_sub.py: copy that along.
"""

import zmq
from zmq_sub import arguments, run


def main():
    run("zmq_reply.py", arguments(__doc__, endpoints=1).parse_args(), reply)


def reply(context, args):
    server = context.socket(zmq.REP)
    server.bind(args.endpoint)
    endpoint = server.getsockopt_string(zmq.LAST_ENDPOINT)
    print(f"Waiting for requests at {endpoint}", flush=True)
    while True:
        server.send(server.recv())


if __name__ == "__main__":
    main()
