"""Shows which hats two cats wear, until Ctrl-C."""

import sys

import redis

# The server is the first argument, or on this machine.
local = "redis://127.0.0.1:6379"
url = sys.argv[1] if sys.argv[1:] else local
server = redis.from_url(url)

# Ask for two of the four cats. Redis confirms each: what
# is published from now on reaches us.
subscription = server.pubsub()
subscription.subscribe("catA", "catC")
for _ in range(2):
    subscription.get_message(timeout=None)
print("Subscribed to catA, catC")

for message in subscription.listen():
    # Its channel is the cat, its data the hat.
    cat = message["channel"].decode()
    hat = message["data"].decode()
    print(f"Subscribe: {cat} wears a {hat}")
