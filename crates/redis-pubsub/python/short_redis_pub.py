"""Publishes which cat wears which hat; counts who hears."""

import sys

import redis

NEWS = [
    ("catD", "hatA"),
    ("catC", "hatB"),
    ("catA", "hatA"),
    ("catB", "hatD"),
]

# The server is the first argument, or on this machine.
local = "redis://127.0.0.1:6379"
url = sys.argv[1] if sys.argv[1:] else local
server = redis.from_url(url)

sent = heard = 0
for cat, hat in NEWS:
    sent += 1
    news = f"{cat} wears a {hat}"
    print(f"Publish: message {sent} : {news}")
    # The cat is the channel. Redis answers how many
    # subscribers it passed the message to.
    receivers = server.publish(cat, hat)
    heard += receivers > 0
unheard = sent - heard
print(f"Messages sent: {sent};", end=" ")
print(f"heard by somebody: {heard}, by nobody: {unheard}")
