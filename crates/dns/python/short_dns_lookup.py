"""Looks up a name as most programs do: asks the system.

Run: python short_dns_lookup.py [NAME]
The same in Rust: examples/short-dns-lookup.rs
"""

import socket
import sys

name = sys.argv[1] if len(sys.argv) > 1 else "localhost"

# One call. The system reads its hosts file, and asks a
# name server if need be. This one knows IPv4 only.
print(f"Looking up {name}")
address = socket.gethostbyname(name)
print(f"Address: {address}")
