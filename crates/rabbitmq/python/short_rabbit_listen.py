"""Shows what is said about all cats, until Ctrl-C."""

import sys

import pika

# The broker is the first argument, or on this machine.
local = "amqp://127.0.0.1:5672"
url = sys.argv[1] if sys.argv[1:] else local
broker = pika.BlockingConnection(pika.URLParameters(url))
channel = broker.channel()
# It copies a message to every queue bound to it.
channel.exchange_declare("cats", "fanout")
# Our own queue, named by the broker, gone when we go.
own = channel.queue_declare("", exclusive=True)
name = own.method.queue
channel.queue_bind(name, "cats")
messages = channel.consume(name)
print("Subscribed to all cats", flush=True)
for method, _, body in messages:
    print(f"Subscribe: {body.decode()}", flush=True)
    channel.basic_ack(method.delivery_tag)
