"""Tells an exchange which cat wears which hat."""

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

# It copies a message to every queue bound to it.
channel.exchange_declare("cats", "fanout")

for number, news in enumerate(NEWS, 1):
    print(f"Publish: message {number} : {news}")
    channel.basic_publish("cats", "", news)
print(f"Messages sent: {len(NEWS)}")
broker.close()
