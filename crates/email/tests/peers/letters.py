"""What both peers of the bench do: letters for a time, and how many."""

import socket
import threading
import time

TIME = 3.0
LETTER = b"Subject: hats\r\n\r\n" + b"catA wears a hatB.\r\n" * 100 + b".\r\n"


def client(address, until, counts):
    with socket.create_connection(address) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = stream.makefile("rb")

        def ask(text, code):
            stream.sendall(text)
            line = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            assert line.startswith(code), line

        ask(b"", b"220")
        ask(b"EHLO bench\r\n", b"250")
        while time.perf_counter() < until:
            ask(b"MAIL FROM:<alice@example.com>\r\n", b"250")
            ask(b"RCPT TO:<bob@example.org>\r\n", b"250")
            ask(b"DATA\r\n", b"354")
            ask(LETTER, b"250")
            counts.append(1)


def letters(address, clients):
    """Letters a second, of so many clients at once."""
    counts = []
    begin = time.perf_counter()
    work = address, begin + TIME, counts
    threads = [threading.Thread(target=client, args=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(counts) / (time.perf_counter() - begin)
