"""Hands tasks out to workers, in turn, and tells the sink how many.

Its partners are zmq-worker and zmq-sink in Rust or in Python.

python zmq_ventilator.py [TASKS] [SINK] [--workers 2] [--seed 7]

It takes its helpers from zmq_sink.py: copy that along.
"""

import random

import zmq
from zmq.utils.monitor import recv_monitor_message

from zmq_sink import arguments, bind, run


def main():
    parser = arguments(
        __doc__, tasks="tcp://127.0.0.1:6791", sink="tcp://127.0.0.1:6792"
    )
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--largest", type=int, default=100)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--workers", type=int, default=1)
    run("zmq_ventilator.py", parser.parse_args(), ventilate)


def ventilate(context, args):
    sink = context.socket(zmq.PUSH)
    sink.connect(args.sink)
    workers = context.socket(zmq.PUSH)
    events = workers.get_monitor_socket()
    endpoint = bind(workers, args.tasks)
    print(f"Waiting for workers: {args.workers}. Endpoint: {endpoint}", flush=True)
    count = 0
    while count < args.workers:
        event = recv_monitor_message(events)["event"]
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            count += 1
            print(f"Worker {count} of {args.workers} is there", flush=True)
    workers.disable_monitor()
    sink.send_multipart([b"tasks", str(args.count).encode()])
    chance = random.Random(args.seed)
    for number in range(1, args.count + 1):
        size = chance.randint(1, args.largest)
        print(f"Task {number}: {size} ms", flush=True)
        workers.send_multipart([str(number).encode(), str(size).encode()])
    print("Tasks handed out:", args.count, flush=True)


if __name__ == "__main__":
    main()
