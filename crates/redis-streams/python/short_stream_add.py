"""Adds which cat wears which hat to a stream.
python short_stream_add.py [URL]
Its partner in Rust: examples/short-stream-add.rs"""
import os
import sys

import redis

NEWS = [
    ("catD", "hatA"),
    ("catC", "hatB"),
    ("catA", "hatA"),
    ("catB", "hatD"),
]

# The server: an argument, a variable, or this machine.
usual = os.environ.get("REDIS_URL",
                       "redis://127.0.0.1:6379")
url = sys.argv[1] if len(sys.argv) > 1 else usual
server = redis.from_url(url)

for cat, hat in NEWS:
    print(f"Add: {cat} wears a {hat}", flush=True)
    # Without an id, Redis numbers the entry: by its clock,
    # and never lower than an entry before it.
    server.xadd("hats", {"cat": cat, "hat": hat})
kept = server.xlen("hats")
print(f"Entries in the stream: {kept}", flush=True)
