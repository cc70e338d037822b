"""Sends four messages to a queue that keeps them."""

import sys

import pika

NEWS = [
    "catD wears a hatA",
    "catC wears a hatB",
    "catA wears a hatA",
    "catB wears a hatD",
]

# The broker is the first argument, or on this machine.
local = "amqp://127.0.0.1:5672"
url = sys.argv[1] if sys.argv[1:] else local
broker = pika.BlockingConnection(pika.URLParameters(url))
channel = broker.channel()

# Make the queue, unless it is there already.
channel.queue_declare("hats")

for number, news in enumerate(NEWS, 1):
    print(f"Send: message {number} : {news}")
    # To the exchange "", which puts a message into the
    # queue that its key names.
    channel.basic_publish("", "hats", news)
print(f"Messages sent: {len(NEWS)}")
broker.close()
