"""The job `publish` done in Python: one client, one message after the other.

needs: python:redis

python redis-py.py (REDIS_URL says where the server is)
"""

import os
import time

import redis

TIME = 2.0
WARM_UP = 0.2


def main():
    if os.environ.get("BENCH_ONLY", "") not in "publish":
        return
    url = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
    server = redis.Redis.from_url(url)
    publish_for(server, WARM_UP)
    print(f"publish {publish_for(server, TIME):.0f} messages/s")


def publish_for(server, seconds):
    start = time.perf_counter()
    sent = 0
    while time.perf_counter() - start < seconds:
        server.publish("catA", "hatA")
        sent += 1
    return sent / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
