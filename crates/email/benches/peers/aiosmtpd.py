"""The same jobs with aiosmtpd as the server, which is started here: letters
into a Maildir, each synced by Python's mailbox module.

needs: python:aiosmtpd

python aiosmtpd.py (the server of SMTP_URL is not used)
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

TIME = 3.0
SERVER = pathlib.Path(__file__).parents[2] / "tests/peers/aiosmtpd_maildir.py"
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


def main():
    for clients in 1, 16:
        job = f"letters-{clients}"
        if os.environ.get("BENCH_ONLY", "") not in job:
            continue
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, SERVER, folder + "/mail"]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                host, port = server.stdout.readline().split()[-1].split(":")
                counts = []
                begin = time.perf_counter()
                work = (host, int(port)), begin + TIME, counts
                threads = [
                    threading.Thread(target=client, args=work)
                    for _ in range(clients)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                speed = len(counts) / (time.perf_counter() - begin)
                print(f"{job} {speed:.0f} letters/s")
            finally:
                server.kill()
                server.wait()


main()
