"""The jobs of round-trips.rs with pyzmq, a process for each thread there."""

# needs: python:zmq

import multiprocessing
import os
import time

import zmq

MESSAGE = b"message #1"


def answer(pipe, endpoint):
    socket = zmq.Context().socket(zmq.REP)
    if endpoint:
        socket.connect(endpoint)
    else:
        socket.bind("tcp://127.0.0.1:*")
    pipe.send(socket.get_string(zmq.LAST_ENDPOINT))
    while True:
        socket.send(socket.recv())


def broker(pipe):
    context = zmq.Context()
    front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    for socket in (front, back):
        socket.bind("tcp://127.0.0.1:*")
        pipe.send(socket.get_string(zmq.LAST_ENDPOINT))
    zmq.proxy(front, back)


def start(target, *arguments):
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(
        target=target, args=(there, *arguments), daemon=True
    )
    process.start()
    return here


def round_trips(socket, duration):
    begin = time.monotonic()
    count = 0
    while count % 100 != 0 or time.monotonic() - begin < duration:
        socket.send(MESSAGE)
        assert socket.recv() == MESSAGE
        count += 1
    return count / (time.monotonic() - begin)


def ask(job, endpoint):
    socket = zmq.Context().socket(zmq.REQ)
    socket.connect(endpoint)
    round_trips(socket, 0.2)
    seconds = float(os.environ.get("BENCH_SECONDS", "2"))
    print(f"{job} {round_trips(socket, seconds):.0f} /s", flush=True)
    socket.close(linger=0)


def wanted(job):
    only = os.environ.get("BENCH_ONLY")
    return not only or only in job or job in only


if __name__ == "__main__":
    if wanted("round-trips"):
        ask("round-trips", start(answer, None).recv())
    if wanted("round-trips-broker"):
        between = start(broker)
        front, back = between.recv(), between.recv()
        start(answer, back).recv()
        ask("round-trips-broker", front)
