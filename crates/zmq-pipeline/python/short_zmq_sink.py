"""Collects ten results, and says who did how many."""

import collections
import sys
import time

import zmq

RESULTS = "tcp://127.0.0.1:6792"

endpoint = sys.argv[1] if sys.argv[1:] else RESULTS
context = zmq.Context()
results = context.socket(zmq.PULL)
results.bind(endpoint)
endpoint = results.last_endpoint.decode()
print("Waiting for results. Endpoint:", endpoint)

# The clock runs from the first result to the last.
done = collections.Counter()
for count in range(10):
    number, name = results.recv_multipart()
    if count == 0:
        begin = time.monotonic()
    done[name.decode()] += 1
took = time.monotonic() - begin
for name, count in sorted(done.items()):
    print(f"{name}: {count}")
print(f"All 10 done in {took:.2f} s")
