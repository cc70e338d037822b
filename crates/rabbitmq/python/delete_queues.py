"""Deletes queues, with what is in them: URL QUEUE..."""

import sys

import pika

broker = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = broker.channel()
for queue in sys.argv[2:]:
    print(f"Deleted: {queue}", flush=True)
    channel.queue_delete(queue)
broker.close()
