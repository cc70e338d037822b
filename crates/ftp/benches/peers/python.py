"""The same jobs in Python: ftplib puts a file of 1 GiB, and gets it back.

needs: python:ftplib

python python.py (FTP_URL says where the server is)
"""

import os
import tempfile
import time
from urllib.parse import urlsplit

from ftplib import FTP

BYTES = int(os.environ.get("BENCH_BYTES", 1 << 30))
ONLY = os.environ.get("BENCH_ONLY", "")


def tell(job, begin):
    speed = BYTES / 1e6 / (time.perf_counter() - begin)
    if ONLY in job:
        print(f"{job} {speed:.0f} MB/s", flush=True)


def main():
    url = urlsplit(os.environ.get("FTP_URL", "ftp://127.0.0.1:2121"))
    with FTP() as ftp, tempfile.TemporaryFile() as there:
        ftp.connect(url.hostname, url.port, timeout=60)
        ftp.login()
        there.truncate(BYTES)
        begin = time.perf_counter()
        ftp.storbinary("STOR gigabyte", there, 64 * 1024)
        tell("put", begin)
        with tempfile.TemporaryFile() as back:
            begin = time.perf_counter()
            ftp.retrbinary("RETR gigabyte", back.write, 64 * 1024)
            back.flush()
            os.fsync(back.fileno())
            tell("get", begin)
            assert back.tell() == BYTES


main()
