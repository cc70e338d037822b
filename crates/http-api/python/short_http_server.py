"""Keeps cats and their hats, and tells of them as JSON."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

address = (sys.argv[1:] or ["127.0.0.1:8080"])[0]
cats = []


class Cats(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(cats).encode())

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        cats.append(json.loads(self.rfile.read(length)))
        print("{name} wears a {hat}".format(**cats[-1]))
        self.send_response(201)
        self.end_headers()


host, port = address.split(":")
server = HTTPServer((host, int(port)), Cats)
print(f"Cats at http://{host}:{server.server_port}/cats")
server.serve_forever()
