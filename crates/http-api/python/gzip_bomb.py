"""Answers one request with 48 kB that become 50 MB, once they are unpacked.

python gzip_bomb.py [HOST:PORT]
"""

import gzip
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

BYTES = 50_000_000
packed = gzip.compress(b"[" + b" " * BYTES + b"]")


class Bomb(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        print(f"Answering: {len(packed) // 1000} kB", flush=True)
        self.wfile.write(packed)

    def log_message(self, *words):
        pass


host, port = (sys.argv[1:] or ["127.0.0.1:8080"])[0].split(":")
server = HTTPServer((host, int(port)), Bomb)
print(f"Cats at http://{host}:{server.server_port}/cats", flush=True)
server.handle_request()
