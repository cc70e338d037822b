"""The blocking job in Python, on the last core.

needs: python:socket
"""

import multiprocessing
import os
import socket
import time

BATCH = 100


def serve(server):
    while True:
        _, client = server.recvfrom(65507)
        server.sendto(b"Are you talking to me?", client)


def round_trips(address, seconds):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        done = 0
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            for _ in range(BATCH):
                client.sendto(b"Hello!", address)
                _, sender = client.recvfrom(65507)
                assert sender == address
            done += BATCH
        return done / (time.monotonic() - begin)


def main():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=serve, args=(server,), daemon=True)
    child.start()
    address = server.getsockname()
    round_trips(address, 0.2)
    print(f"udp_round_trips {round_trips(address, 1.5):.0f} /s", flush=True)
    child.kill()


if __name__ == "__main__":
    main()
