"""Waits for one client to call, hears what it says, answers and ends.

Its partner is tcp_client.py, or tcp-client in Rust.

python tcp_server.py [HOST:PORT]

It takes its helpers from tcp_client.py: copy that along.
"""

import socket

from tcp_client import address_of, now, options, printable, read_line, run, shown


def main():
    run("tcp_server.py", options(__doc__).parse_args(), serve)


def serve(args):
    print(f"Starting the server at {now()}", flush=True)
    family, address = address_of(args.address)
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
        own = shown(listener.getsockname())
        print(f"Waiting for a client to call. Address: {own}", flush=True)
        connection, client = listener.accept()
        with connection:
            connection.settimeout(args.timeout)
            said = printable(read_line(connection))
            print(f"At {now()} {shown(client)} said {said}", flush=True)
            print("Answering: Are you talking to me?", flush=True)
            connection.sendall(b"Are you talking to me?\n")
            # Or unread bytes of the client would turn the close into a reset.
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(512):
                pass


if __name__ == "__main__":
    main()
