"""Shows the hats of two cats, until Ctrl-C."""

import sys

import zmq

THERE = "tcp://127.0.0.1:6789"

# Another endpoint can be named as an argument.
there = sys.argv[1] if sys.argv[1:] else THERE
subscriber = zmq.Context().socket(zmq.SUB)
subscriber.connect(there)

# Ask for two of the four cats. Nobody confirms it: the
# line below means sent, not arrived.
subscriber.subscribe("catA")
subscriber.subscribe("catC")
print("Subscribed to catA, catC")

# A message comes whole: a cat and a hat, two parts.
while True:
    cat, hat = subscriber.recv_multipart()
    news = f"{cat.decode()} wears a {hat.decode()}"
    print("Subscribe:", news)
