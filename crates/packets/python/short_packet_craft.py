"""Builds a ping by hand, shows its bytes, and keeps it."""

import sys

from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

file = sys.argv[1] if sys.argv[1:] else "ping.pcap"

# One layer after the other, from the cable upwards.
a, b = "02:00:00:00:00:01", "02:00:00:00:00:02"
ether = Ether(src=a, dst=b)
ip = IP(src="192.0.2.1", dst="192.0.2.2", id=0, flags="DF")
layers = ether / ip / ICMP(id=7, seq=1) / b"Hello!"
# This fills in the lengths and the checksums.
packet = bytes(layers)

print(f"{len(packet)} bytes:")
for at in range(0, len(packet), 16):
    print(packet[at : at + 16].hex(" "))

wrpcap(file, layers)
print(f"Written to {file}")
