"""Tells a server of a cat, and asks it for all cats."""

import json
import sys
from urllib.request import Request, urlopen

url = (sys.argv[1:] or ["http://127.0.0.1:8080/cats"])[0]
cat = {"name": "catC", "hat": "hatB"}
body = json.dumps(cat).encode()
kind = {"Content-Type": "application/json"}

print(f"POST: {cat['name']} wears a {cat['hat']}")
request = Request(url, data=body, headers=kind)
with urlopen(request) as answer:
    print(f"Answer: {answer.status} {answer.reason}")

print("GET")
# An answer that says no is raised as an HTTPError.
with urlopen(url) as answer:
    for cat in json.load(answer):
        print(f"Answer: {cat['name']} wears a {cat['hat']}")
