"""Three ways to tell where a message ends on a stream.

Each has a function that writes a message and one that reads the next, from a
file made by socket.makefile("rwb"): it gathers the pieces of the stream.
Reading returns None at the end of the stream.
"""

LIMIT = 65536  # bytes of the longest message
SIZE = 32  # bytes of every frame, where the size is fixed


def write_fixed(stream, message):
    if len(message) > SIZE or message.endswith(b"\0"):
        raise ValueError(f"the message does not fit into {SIZE} bytes")
    stream.write(message.ljust(SIZE, b"\0"))


def read_fixed(stream):
    frame = read_exactly(stream, SIZE, at_start=True)
    return frame and frame.rstrip(b"\0")


def write_length(stream, message):
    if len(message) > LIMIT:
        raise ValueError(f"the message is longer than {LIMIT} bytes")
    stream.write(len(message).to_bytes(4, "big") + message)


def read_length(stream):
    prefix = read_exactly(stream, 4, at_start=True)
    if prefix is None:
        return None
    length = int.from_bytes(prefix, "big")
    if length > LIMIT:
        raise ValueError(f"a message of {length} bytes is announced")
    return read_exactly(stream, length)


def write_delimiter(stream, message):
    if b"\n" in message or len(message) > LIMIT:
        raise ValueError("the message has a line feed in it, or is too long")
    stream.write(message + b"\n")


def read_delimiter(stream):
    line = stream.readline(LIMIT + 1)
    if line.endswith(b"\n"):
        return line[:-1]
    if len(line) > LIMIT:
        raise ValueError(f"no end of the message within {LIMIT} bytes")
    if line:
        raise EOFError("the stream ended in the middle of a message")
    return None


def read_exactly(stream, count, at_start=False):
    data = stream.read(count)
    if at_start and not data:
        return None
    if len(data) < count:
        raise EOFError("the stream ended in the middle of a message")
    return data


FRAMINGS = {
    "fixed": (write_fixed, read_fixed),
    "length": (write_length, read_length),
    "delimiter": (write_delimiter, read_delimiter),
}
