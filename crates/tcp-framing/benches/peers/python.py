"""The jobs of frames.rs in Python: a thread's worth of work in a process of
its own writes the messages, this one reads them, with the functions that the
Python partner uses. Fewer messages: it is slower.

needs: python:socket
"""

import multiprocessing
import os
import socket
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
from framing import FRAMINGS  # noqa: E402

MESSAGES = 200_000
MESSAGE = b"catA wears a hatC, and catC two."


def send(address, framing):
    write, _ = FRAMINGS[framing]
    with socket.create_connection(address) as connection:
        with connection.makefile("wb") as stream:
            for _ in range(MESSAGES):
                write(stream, MESSAGE)


def main():
    only = os.environ.get("BENCH_ONLY", "")
    for framing, (_, read) in FRAMINGS.items():
        job = f"frames-{framing}"
        if only not in job:
            continue
        listener = socket.create_server(("127.0.0.1", 0))
        sender = multiprocessing.Process(
            target=send, args=(listener.getsockname(), framing)
        )
        sender.start()
        connection, _ = listener.accept()
        begin = time.monotonic()
        count = 0
        with connection, connection.makefile("rb") as stream:
            while (message := read(stream)) is not None:
                count += message == MESSAGE
        seconds = time.monotonic() - begin
        sender.join()
        assert count == MESSAGES
        print(f"{job} {count / seconds:.0f} messages/s", flush=True)


if __name__ == "__main__":
    main()
