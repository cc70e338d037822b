"""The jobs `confirm-each` and `acknowledge` done with pika. Its blocking
connection waits for each confirm, so there is no job `confirm`.

needs: python:pika

python with-pika.py (AMQP_URL says where the broker is)
"""

import os
import time

import pika

ONE_BY_ONE = 1_000
COUNT = 20_000
WARM_UP = 200
WINDOW = 100
HAT = b"h" * 32


def main():
    url = os.environ.get("AMQP_URL", "amqp://127.0.0.1:5672")
    only = os.environ.get("BENCH_ONLY", "")
    broker = pika.BlockingConnection(pika.URLParameters(url))
    channel = broker.channel()
    channel.queue_declare("bench", durable=True)
    # Before confirms, else this takes the longest.
    publish(channel, COUNT)
    channel.confirm_delivery()
    publish(channel, WARM_UP)
    speed = publish(channel, ONE_BY_ONE)
    if only in "confirm-each":
        print(f"confirm-each {speed:.0f} messages/s")
    channel.basic_qos(prefetch_count=WINDOW)
    speed = consume(channel, COUNT + WARM_UP + ONE_BY_ONE)
    if only in "acknowledge":
        print(f"acknowledge {speed:.0f} messages/s")
    channel.queue_delete("bench")
    broker.close()


def publish(channel, count):
    persistent = pika.BasicProperties(delivery_mode=2)
    begin = time.perf_counter()
    for _ in range(count):
        channel.basic_publish("", "bench", HAT, persistent)
    return count / (time.perf_counter() - begin)


def consume(channel, count):
    begin = time.perf_counter()
    messages = channel.consume("bench")
    for _, (method, _, _) in zip(range(count), messages):
        channel.basic_ack(method.delivery_tag)
    seconds = time.perf_counter() - begin
    channel.cancel()
    return count / seconds


if __name__ == "__main__":
    main()
