"""Turns a cat into bytes and the bytes into a cat again.
python3 short_msgpack.py
Its Rust partner is examples/short-msgpack.rs.
"""

import msgpack

cat = {
    "name": "catA",
    "lives": 9,
    "hat": "hatB",
}
print(f"{cat['name']} has {cat['lives']} lives")

# A map: there is no type that could say more.
packed = msgpack.packb(cat)
shown = packed.hex(" ").replace(" ", ", ")
print(f"{len(packed)} bytes: [{shown}]")

# Whatever comes is taken.
again = msgpack.unpackb(packed)
print(f"{again['name']} has {again['lives']} lives")
print(f"The same cat: {str(again == cat).lower()}")
