"""The job of push-pull.rs with pyzmq, which is libzmq called from Python: two
processes, because two threads of Python would wait for each other, and
high-water marks of 100,000 messages.

needs: python:zmq
"""

import multiprocessing
import os
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

MESSAGES = 2_000_000
HIGH_WATER_MARK = 100_000
MESSAGE = b"8 bytes."


def new_socket(context, kind):
    socket = context.socket(kind)
    socket.set_hwm(HIGH_WATER_MARK)
    return socket


def pull(endpoint, end):
    with zmq.Context() as context:
        socket = new_socket(context, zmq.PULL)
        socket.connect(endpoint)
        for _ in range(MESSAGES):
            assert socket.recv() == MESSAGE
        end.send(time.monotonic())


def main():
    if os.environ.get("BENCH_ONLY", "") not in "push-pull":
        return
    end, its_end = multiprocessing.Pipe(duplex=False)
    with zmq.Context() as context:
        socket = new_socket(context, zmq.PUSH)
        events = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        socket.bind("tcp://127.0.0.1:*")
        endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        arguments = (endpoint, its_end)
        context_of_processes = multiprocessing.get_context("spawn")
        other = context_of_processes.Process(target=pull, args=arguments)
        other.start()
        recv_monitor_message(events)
        begin = time.monotonic()
        for _ in range(MESSAGES):
            socket.send(MESSAGE)
        duration = end.recv() - begin
        other.join()
        socket.disable_monitor()
    print(f"push-pull {MESSAGES / duration:.0f} messages/s")


if __name__ == "__main__":
    main()
