"""The jobs of delivered.rs with pyzmq: a process that publishes and one that
subscribes.
needs: python:zmq
"""

import multiprocessing
import os
import time

import zmq

HELLO = b"catA\xff\xff\xff\xff"
COUNT = int(os.environ.get("BENCH_MESSAGES", 1_000_000))


def main():
    only = os.environ.get("BENCH_ONLY", "")
    for job, kind, high_water_mark in [
        ("pub-sub", zmq.PUB, 0),
        ("xpub-sub", zmq.XPUB, 1000),
    ]:
        if only in job:
            print(f"{job} {play(kind, high_water_mark):.0f} messages/s", flush=True)

    if only in "flood":
        print(f"flood {flood():.0f} messages/s", flush=True)


def flood():
    ours, theirs = multiprocessing.Pipe()
    publisher = multiprocessing.Process(target=pour, args=(theirs,))
    publisher.start()
    context = zmq.Context()
    subscriber = context.socket(zmq.SUB)
    subscriber.subscribe("catA")
    subscriber.connect(ours.recv())
    subscriber.recv()
    begin = time.monotonic()
    arrived = 0
    while arrived % 1024 or time.monotonic() - begin < 2:
        subscriber.recv()
        arrived += 1
    rate = arrived / (time.monotonic() - begin)
    publisher.terminate()
    publisher.join()
    context.destroy()
    return rate


def pour(theirs):
    """As fast as it can, with what a new socket has: a high-water mark of
    1000."""
    publisher = zmq.Context().socket(zmq.PUB)
    publisher.bind("tcp://127.0.0.1:*")
    theirs.send(publisher.getsockopt_string(zmq.LAST_ENDPOINT))
    number = 0
    while True:
        publisher.send(b"catA" + number.to_bytes(4, "big"))
        number = (number + 1) % 2**32


def play(kind, high_water_mark):
    ours, theirs = multiprocessing.Pipe()
    publisher = multiprocessing.Process(
        target=publish, args=(kind, high_water_mark, theirs)
    )
    publisher.start()
    context = zmq.Context()
    subscriber = context.socket(zmq.SUB)
    subscriber.setsockopt(zmq.RCVHWM, high_water_mark)
    subscriber.subscribe("catA")
    subscriber.connect(ours.recv())
    following = 0
    hello = False
    while following < COUNT:
        message = subscriber.recv()
        if message == HELLO:
            if not hello:
                ours.send("heard")
            hello = True
            continue
        if following == 0:
            begin = time.monotonic()
        assert int.from_bytes(message[4:], "big") == following
        following += 1
    rate = COUNT / (time.monotonic() - begin)
    context.destroy()
    publisher.join()
    assert publisher.exitcode == 0
    return rate


def publish(kind, high_water_mark, theirs):
    context = zmq.Context()
    publisher = context.socket(kind)
    publisher.setsockopt(zmq.SNDHWM, high_water_mark)
    if kind == zmq.XPUB:
        publisher.setsockopt(zmq.XPUB_NODROP, 1)
    publisher.bind("tcp://127.0.0.1:*")
    theirs.send(publisher.getsockopt_string(zmq.LAST_ENDPOINT))
    if kind == zmq.XPUB:
        publisher.recv()
    else:
        while not theirs.poll(0.001):
            publisher.send(HELLO)
    for number in range(COUNT):
        publisher.send(b"catA" + number.to_bytes(4, "big"))
    publisher.close()
    context.term()


if __name__ == "__main__":
    main()
