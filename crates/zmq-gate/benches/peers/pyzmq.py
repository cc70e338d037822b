"""The jobs of round-trips.rs in Python: REQ and REP of libzmq, each in a
process of its own, straight and through zmq.proxy (ROUTER and DEALER), which
passes messages on and checks nothing."""
# needs: python:zmq

import multiprocessing
import time

import zmq

ROUND_TRIPS = 20_000
TEXT = b"x" * 32


def bound(kind, context):
    socket = context.socket(kind)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    return socket, f"tcp://127.0.0.1:{port}"


def server(pipe):
    socket, endpoint = bound(zmq.REP, zmq.Context())
    pipe.send(endpoint)
    while True:
        socket.send(socket.recv())


def proxy(pipe, back):
    context = zmq.Context()
    front, endpoint = bound(zmq.ROUTER, context)
    behind = context.socket(zmq.DEALER)
    behind.connect(back)
    pipe.send(endpoint)
    zmq.proxy(front, behind)


def start(target, *arguments):
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(
        target=target, args=(there, *arguments), daemon=True
    )
    process.start()
    return here.recv()


def measure(job, endpoint):
    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.connect(endpoint)
    for number in range(ROUND_TRIPS + 1000):
        if number == 1000:
            begin = time.perf_counter()
        socket.send(TEXT)
        assert socket.recv() == TEXT
    rate = ROUND_TRIPS / (time.perf_counter() - begin)
    print(f"{job} {rate:.0f} /s", flush=True)
    socket.close()


if __name__ == "__main__":
    back = start(server)
    measure("direct", back)
    measure("through-gate", start(proxy, back))
