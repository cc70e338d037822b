"""Stands between clients and servers, until Ctrl-C."""

import sys

import zmq

FRONT = "tcp://127.0.0.1:6789"
BACK = "tcp://127.0.0.1:6790"

# Other endpoints can be named as arguments.
front = sys.argv[1] if sys.argv[1:] else FRONT
back = sys.argv[2] if sys.argv[2:] else BACK

# ROUTER notes on each request whose it is. DEALER
# gives each to the next of its servers.
context = zmq.Context()
clients = context.socket(zmq.ROUTER)
servers = context.socket(zmq.DEALER)
clients.bind(front)
servers.bind(back)
front = clients.last_endpoint.decode()
back = servers.last_endpoint.decode()
print("Waiting for clients at", front, end=" ")
print("and for servers at", back)

# Requests that way and replies this way, for ever.
zmq.proxy(clients, servers)
