"""Takes tasks, works, and pushes the results on.

Its partners are zmq-ventilator and zmq-sink in Rust or in Python.

python zmq_worker.py [TASKS] [RESULTS] [--name carol]

It takes its helpers from zmq_sink.py: copy that along.
"""

import os
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

from zmq_sink import arguments, run


def main():
    parser = arguments(
        __doc__, tasks="tcp://127.0.0.1:6791", results="tcp://127.0.0.1:6792"
    )
    parser.add_argument("--name", default=f"worker-{os.getpid()}")
    parser.add_argument("--factor", type=float, default=1)
    run("zmq_worker.py", parser.parse_args(), work)


def work(context, args):
    results = context.socket(zmq.PUSH)
    results.connect(args.results)
    tasks = context.socket(zmq.PULL)
    events = tasks.get_monitor_socket()
    tasks.connect(args.tasks)
    print(args.name, "is ready for tasks", flush=True)
    poller = zmq.Poller()
    for socket in (tasks, events):
        poller.register(socket, zmq.POLLIN)
    done, gone = 0, False
    while True:
        ready = dict(poller.poll(0 if gone else None))
        if tasks in ready:
            number, size = (part.decode() for part in tasks.recv_multipart())
            print(f"Task {number}: {size} ms", flush=True)
            time.sleep(int(size) / 1000 * args.factor)
            results.send_multipart([b"done", number.encode(), args.name.encode()])
            done += 1
        elif gone:
            # libzmq reads ahead: the news that the connection is gone comes
            # before the tasks that were received on it.
            break
        if events in ready:
            event = recv_monitor_message(events)
            gone = gone or event["event"] == zmq.EVENT_DISCONNECTED
    print("The ventilator has gone. Tasks done:", done, flush=True)
    tasks.disable_monitor()


if __name__ == "__main__":
    main()
