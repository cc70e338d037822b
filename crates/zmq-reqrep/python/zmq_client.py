"""Asks a server five times, and asks again when no answer comes.
Its partner is zmq_server.py, or zmq-server.

python3 zmq_client.py [tcp://HOST:PORT]
"""

import sys

import zmq

# What a terminal cannot show is printed as an escape.
sys.stdout.reconfigure(errors="backslashreplace")

TIMEOUT = 2500  # milliseconds
ATTEMPTS = 4

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:6789"
context = zmq.Context()


def printable(data):
    """Bytes as one line of text that cannot play with a terminal."""
    # Doubled, its own backslashes differ from those of the escapes.
    text = data.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def connect():
    client = context.socket(zmq.REQ)
    # Without this, closing the socket waits until an unsent request is sent:
    # for ever, if no server comes.
    client.linger = 0
    client.connect(endpoint)
    return client


def ask(client, request):
    """The answer, and the socket that it came by."""
    for attempt in range(1, ATTEMPTS + 1):
        print(f"Sending {request}", flush=True)
        client.send_string(request)
        # Unlike zmq-client, this does not see a connection end: libzmq
        # connects again by itself, but it does not send the request again.
        if client.poll(TIMEOUT):
            return client.recv(), client
        # This REQ waits for its answer and can send nothing else: it is
        # closed, and a late answer with it.
        client.close()
        client = connect()
        print(
            f"zmq_client.py: no answer to {request} "
            f"(attempt {attempt} of {ATTEMPTS}): timed out",
            file=sys.stderr,
            flush=True,
        )
    sys.exit(1)


client = connect()
for number in range(1, 6):
    request = f"message #{number}"
    answer, client = ask(client, request)
    print(f"Sent {request}, received {printable(answer)}", flush=True)
