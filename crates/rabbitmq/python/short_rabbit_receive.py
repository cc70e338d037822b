"""Shows the messages of a queue, until Ctrl-C."""

import sys

import pika

# The broker is the first argument, or on this machine.
local = "amqp://127.0.0.1:5672"
url = sys.argv[1] if sys.argv[1:] else local
broker = pika.BlockingConnection(pika.URLParameters(url))
channel = broker.channel()

# Make the queue, unless it is there already.
channel.queue_declare("hats")

# "Auto ack": the broker forgets a message when it has
# sent it to us, without waiting for our word.
messages = channel.consume("hats", auto_ack=True)
print("Waiting at the queue hats", flush=True)

for _, _, body in messages:
    print(f"Receive: {body.decode()}", flush=True)
