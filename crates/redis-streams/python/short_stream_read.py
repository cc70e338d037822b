"""Shows which hats the cats wear, from the first entry on.
python short_stream_read.py [URL]
Its partner in Rust: examples/short-stream-read.rs"""
import os
import sys

import redis

# The server: an argument, a variable, or this machine.
usual = os.environ.get("REDIS_URL",
                       "redis://127.0.0.1:6379")
url = sys.argv[1] if len(sys.argv) > 1 else usual
# Without this, redis-py gives up after 5 seconds.
server = redis.from_url(url, decode_responses=True,
                        socket_timeout=None)

# Redis keeps the entries. We keep our place: the number
# of the last entry that we have read.
place = "0"
print("Reading from the beginning", flush=True)
while True:
    # 0 milliseconds: wait for entries for ever.
    reply = server.xread({"hats": place}, block=0)
    for stream, entries in reply:
        for number, entry in entries:
            cat, hat = entry["cat"], entry["hat"]
            print(f"Read: {cat} wears a {hat}", flush=True)
            place = number
