"""A subscriber that does not read, and how many messages libzmq drops: as
many as are above the high-water marks and the buffers of the system. (For
zmq-slow in Rust.) Needs pyzmq: pip install pyzmq

python zmq_slow.py [--socket xpub] [--wait] [--hwm 1000]
"""

import argparse

import zmq


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--socket", choices=["pub", "xpub"], default="pub")
    parser.add_argument(
        "--wait", action="store_true", help="set XPUB_NODROP: wait, not drop"
    )
    parser.add_argument("--hwm", type=int, default=1000, help="messages")
    parser.add_argument("--count", type=int, default=30000)
    parser.add_argument("--size", type=int, default=1000, help="bytes of each")
    args = parser.parse_args()
    context = zmq.Context()
    publisher = context.socket(zmq.PUB if args.socket == "pub" else zmq.XPUB)
    publisher.setsockopt(zmq.SNDHWM, args.hwm)
    if args.wait:
        publisher.setsockopt(zmq.XPUB_NODROP, 1)
        publisher.setsockopt(zmq.SNDTIMEO, 300)
    publisher.bind("tcp://127.0.0.1:0")
    subscriber = context.socket(zmq.SUB)
    subscriber.setsockopt(zmq.RCVHWM, args.hwm)
    subscriber.subscribe("catA")
    subscriber.connect(publisher.getsockopt_string(zmq.LAST_ENDPOINT))
    # Send until something arrives: PUB does not tell who has subscribed.
    while not subscriber.poll(10):
        publisher.send_multipart([b"catA", b"Hello?"])
    print("The subscriber does not read", flush=True)
    sent = send(publisher, args)
    print(f"The publisher has sent {sent}", flush=True)
    arrived = read(publisher, subscriber)
    print(f"Arrived: {arrived}; dropped: {sent - arrived}", flush=True)
    context.destroy(linger=0)


def send(publisher, args):
    hat = b"." * args.size
    for number in range(1, args.count + 1):
        try:
            publisher.send_multipart([b"catA", hat])
        except zmq.Again:
            print(f"The publisher stands still at {number}", flush=True)
            return number - 1
    return args.count


def read(publisher, subscriber):
    """Counts until the last message has come. While the queues are full that
    one is dropped, too: it is sent until it arrives."""
    arrived = 0
    while True:
        if not subscriber.poll(10):
            publisher.send_multipart([b"catA", b"Goodbye"])
            continue
        hat = subscriber.recv_multipart()[1]
        if hat == b"Goodbye":
            return arrived
        arrived += hat != b"Hello?"


if __name__ == "__main__":
    main()
