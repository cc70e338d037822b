"""The jobs of transports.rs with pyzmq: both sides on threads of one process.
High-water marks are set to 100,000, the length of the queue of the Rust
library. What is ours over channels is compared with libzmq's inproc. Fewer
messages: Python takes longer for each, and a rate is compared.

needs: python:zmq
"""

import os
import tempfile
import threading
import time

import zmq

ROUND_TRIPS = 10_000
MESSAGES = 200_000


def open_socket(context, kind):
    socket = context.socket(kind)
    socket.sndhwm = socket.rcvhwm = 100_000
    return socket


def bind(context, kind, place):
    socket = open_socket(context, kind)
    socket.bind(place)
    return socket, socket.last_endpoint.decode().rstrip("\0")


def connect(context, kind, place):
    socket = open_socket(context, kind)
    socket.connect(place)
    return socket


def answer(socket):
    for _ in range(ROUND_TRIPS):
        socket.send(socket.recv())
    socket.close()


def push(context, place):
    with connect(context, zmq.PUSH, place) as socket:
        for number in range(MESSAGES):
            socket.send(number.to_bytes(8))


def measure(context, name, place, next_place):
    """Two places: one that was closed may be taken for another moment."""
    if wanted(job := f"{name}-round-trips"):
        server, at = bind(context, zmq.REP, place)
        thread = threading.Thread(target=answer, args=[server])
        thread.start()
        spent = 0.0
        with connect(context, zmq.REQ, at) as client:
            for number in range(ROUND_TRIPS):
                question = number.to_bytes(8)
                start = time.perf_counter()
                client.send(question)
                reply = client.recv()
                spent += time.perf_counter() - start
                assert reply == question
            thread.join()
        print(f"{job} {ROUND_TRIPS / spent:.0f} /s")
    if wanted(job := f"{name}-messages"):
        receiver, at = bind(context, zmq.PULL, next_place)
        thread = threading.Thread(target=push, args=[context, at])
        thread.start()
        assert receiver.recv() == bytes(8)
        start = time.perf_counter()
        for number in range(1, MESSAGES):
            assert receiver.recv() == number.to_bytes(8)
        spent = time.perf_counter() - start
        thread.join()
        receiver.close()
        print(f"{job} {(MESSAGES - 1) / spent:.0f} messages/s")


def wanted(job):
    return os.environ.get("BENCH_ONLY", "") in job


def main():
    with zmq.Context() as context, tempfile.TemporaryDirectory() as folder:
        measure(context, "tcp", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*")
        measure(context, "ipc", f"ipc://{folder}/a", f"ipc://{folder}/b")
        measure(context, "channel", "inproc://cats", "inproc://hats")


if __name__ == "__main__":
    main()
