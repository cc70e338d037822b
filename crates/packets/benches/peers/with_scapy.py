"""The job `dissect` done by Scapy, of a fiftieth of the file: it would take
minutes.

needs: python:scapy
"""

import os
import pathlib
import tempfile
import time

from scapy.layers import inet, inet6, l2  # noqa: F401, so that it knows them
from scapy.utils import PcapReader

PARTS = 50

if "BENCH_ONLY" not in os.environ or os.environ["BENCH_ONLY"] in "dissect":
    section = pathlib.Path(__file__).resolve().parents[2]
    whole = (section / "captures/lo.pcap").read_bytes()
    times = int(os.environ.get("BENCH_TIMES", 71429)) // PARTS + 1
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(whole[:24] + whole[24:] * times)
        file.flush()
        begin = time.monotonic()
        count = 0
        with PcapReader(file.name) as reader, open(os.devnull, "w") as nowhere:
            for packet in reader:
                print(packet.summary(), file=nowhere)
                count += 1
        print(f"dissect {count / (time.monotonic() - begin):.0f} packets/s")
