"""The jobs of codec.rs with msgspec, and structs like those there."""

# needs: python:msgspec

import os
import sys
import time

# This file has the module's name.
sys.path.pop(0)
import msgspec  # noqa: E402


class Top(msgspec.Struct):
    height: float


class Hat(msgspec.Struct):
    Top: Top


class Cat(msgspec.Struct):
    name: str
    born: int
    toys: list[str]
    owner: str | None
    hat: Hat
    picture: bytes


CAT = Cat(
    "catA", 1769860800, ["ball", "mouse"], None, Hat(Top(17.5)), b"\x01\xc8"
)


def job(name, cats, function, argument):
    if os.environ.get("BENCH_ONLY", "") not in name:
        return
    for seconds in 0.2, 1:
        begin = time.perf_counter()
        count = 0
        while (passed := time.perf_counter() - begin) < seconds:
            for _ in range(100):
                function(argument)
            count += 100 * cats
    print(f"{name} {count / passed:.0f} cats/s", flush=True)


encode = msgspec.msgpack.Encoder().encode
for what, cats, value, kind in (
    ("cat", 1, CAT, Cat),
    ("100-cats", 100, [CAT] * 100, list[Cat]),
):
    data = encode(value)
    decode = msgspec.msgpack.Decoder(kind).decode
    assert decode(data) == value
    job(f"encode-{what}", cats, encode, value)
    job(f"decode-{what}", cats, decode, data)
