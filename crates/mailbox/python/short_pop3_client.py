"""Fetches letters by POP3 and prints them.
Run: python short_pop3_client.py [HOST:PORT]
In Rust: examples/short-pop3-client.rs"""
import poplib
import sys

address = (sys.argv[1:] + ["127.0.0.1:1100"])[0]
host, port = address.split(":")
# The server speaks first.
server = poplib.POP3(host, int(port))
server.user("bob")
server.pass_("secret")
# How many letters, and how many bytes.
count, size = server.stat()
print(f"Letters: {count}", flush=True)
for number in range(1, count + 1):
    print(f"Fetch: letter {number}", flush=True)
    # The letter, up to a line with only a dot.
    reply, lines, size = server.retr(number)
    for line in lines:
        print(f"| {line.decode()}", flush=True)
server.quit()
