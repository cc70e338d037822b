"""Sends messages to an echo server and compares what comes back.

Its partner is tcp_echo_server.py, or tcp-echo-server in Rust.

python tcp_echo_client.py [HOST:PORT] [--count 3]

It takes its helpers from tcp_client.py: copy that along.
"""

import socket

from tcp_client import address_of, options, printable, run


def main():
    parser = options(__doc__)
    parser.add_argument("--count", type=int, default=3, help="how many messages")
    run("tcp_echo_client.py", parser.parse_args(), talk)


def talk(args):
    family, address = address_of(args.address)
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(args.timeout)
        connection.connect(address)
        for number in range(1, args.count + 1):
            message = f"message {number}: Hello!\n".encode()
            print("Sending", printable(message.rstrip()), flush=True)
            connection.sendall(message)
            echo = b""
            while len(echo) < len(message):
                piece = connection.recv(len(message) - len(echo))
                if not piece:
                    raise OSError("it closed before its echo was whole")
                echo += piece
            if echo != message:
                raise OSError("it sent back something else")
            print("Back came", printable(echo.rstrip()), flush=True)
        connection.shutdown(socket.SHUT_WR)
        if connection.recv(1):
            raise OSError("it sent back something else")
        print(f"All came back: {args.count}", flush=True)


if __name__ == "__main__":
    main()
