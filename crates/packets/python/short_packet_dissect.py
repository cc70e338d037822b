"""Says what each packet of a capture file is."""

import sys

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap

file = sys.argv[1] if sys.argv[1:] else "ping.pcap"

for block in rdpcap(file):
    # From Ethernet inwards, as far as it is known.
    packet = Ether(bytes(block))
    if IP not in packet:
        print(f"{len(block)} bytes, not IPv4")
        continue
    ip = packet[IP]
    length = ip.len - ip.ihl * 4
    print(f"{ip.src} > {ip.dst}: ", end="")
    print(f"protocol {ip.proto}, {length} bytes")
