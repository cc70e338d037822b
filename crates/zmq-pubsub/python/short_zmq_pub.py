"""Publishes which cat wears which hat."""

import sys

import zmq

HERE = "tcp://127.0.0.1:6789"
NEWS = [
    ("catD", "hatA"),
    ("catC", "hatB"),
    ("catA", "hatA"),
    ("catB", "hatD"),
]

# Another endpoint can be named as an argument.
here = sys.argv[1] if sys.argv[1:] else HERE
publisher = zmq.Context().socket(zmq.XPUB)
publisher.bind(here)
here = publisher.last_endpoint.decode()
print("Waiting for 2 subscriptions at", here)
# Each is a message: a byte 1, and what the messages
# that the subscriber wants begin with.
for subscription in range(2):
    wanted = publisher.recv()
    print("Subscription:", wanted)
for number, (cat, hat) in enumerate(NEWS, 1):
    news = f"{cat} wears a {hat}"
    print(f"Publish: message {number} : {news}")
    publisher.send_multipart([cat.encode(), hat.encode()])
