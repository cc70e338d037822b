"""Hands out ten tasks to the workers, in turn."""

import sys

import zmq

TASKS = "tcp://127.0.0.1:6791"

endpoint = sys.argv[1] if sys.argv[1:] else TASKS
context = zmq.Context()
workers = context.socket(zmq.PUSH)
workers.bind(endpoint)
endpoint = workers.last_endpoint.decode()
print("Waiting for workers. Endpoint:", endpoint)

# A worker that connects later gets none of the tasks.
print("Press Enter when they are there")
input()

for number in range(1, 11):
    size = 10 * number
    print(f"Task {number}: {size} ms")
    # A message of two parts. It goes to one worker.
    task = [b"%d" % number, b"%d" % size]
    workers.send_multipart(task)

# libzmq waits here until its queue is empty.
print("Tasks handed out: 10")
context.destroy()
