"""Sends back what its clients send, any number at once, until Ctrl-C.

Its partner is tcp_echo_client.py, or tcp-echo-client in Rust. It has one
thread and no limits: selectors tells it who has something to say.

python tcp_echo_server.py [HOST:PORT]

It takes its helpers from tcp_client.py: copy that along.
"""

import selectors
import socket

from tcp_client import address_of, options, run, shown


def main():
    run("tcp_echo_server.py", options(__doc__).parse_args(), serve)


def serve(args):
    family, address = address_of(args.address)
    selector = selectors.DefaultSelector()
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
        own = shown(listener.getsockname())
        print(f"Waiting for clients to call. Address: {own}", flush=True)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    # sendall below may wait for this client; a time limit
                    # keeps it from holding up the others for ever.
                    connection.settimeout(args.timeout)
                    selector.register(connection, selectors.EVENT_READ)
                elif not echo(key.fileobj):
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


def echo(connection):
    try:
        data = connection.recv(65536)
        connection.sendall(data)
    except OSError:
        return False
    return bool(data)


if __name__ == "__main__":
    main()
