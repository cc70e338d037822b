"""Reads letters by IMAP and prints them.
Run: python short_imap_client.py [HOST:PORT]
In Rust: examples/short-imap-client.rs"""
import imaplib
import sys

address = (sys.argv[1:] + ["127.0.0.1:1143"])[0]
host, port = address.split(":")
# The server speaks first.
server = imaplib.IMAP4(host, int(port))
server.login("bob", "secret")
server.select("INBOX")
print("Fetch: all letters", flush=True)
status, answers = server.fetch("1:*", "BODY[]")
for answer in answers:
    # A letter comes in a pair, behind its number.
    if isinstance(answer, tuple):
        for line in answer[1].decode().splitlines():
            print(f"| {line}", flush=True)
server.logout()
