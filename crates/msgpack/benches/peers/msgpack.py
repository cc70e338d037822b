"""The jobs of codec.rs with the C extension of the module msgpack."""

# needs: python:msgpack

import os
import sys
import time

# This file has the module's name.
sys.path.pop(0)
import msgpack  # noqa: E402

# Without the extension the module falls back to Python, and is 20 times as
# slow.
assert msgpack.Packer.__module__ == "msgpack._cmsgpack", "not the C one"

CAT = {
    "name": "catA",
    "born": 1769860800,
    "toys": ["ball", "mouse"],
    "owner": None,
    "hat": {"Top": {"height": 17.5}},
    "picture": b"\x01\xc8",
}


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


# The quickest way that the module has: packers that are kept.
packer = msgpack.Packer(use_single_float=True)
for what, cats, value in ("cat", 1, CAT), ("100-cats", 100, [CAT] * 100):
    data = packer.pack(value)
    assert msgpack.unpackb(data) == value
    job(f"encode-{what}", cats, packer.pack, value)
    job(f"decode-{what}", cats, msgpack.unpackb, data)
