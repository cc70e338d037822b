"""The job `one-cat` done by FastAPI on uvicorn, with as many processes as there are
cores.

needs: python:fastapi python:uvicorn program:wrk

python fastapi.py
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

APP = """
from fastapi import FastAPI
app = FastAPI()
cats = {"catA": {"name": "catA", "hat": "hatA"}}
@app.get("/cats/{name}")
async def one(name: str):
    return cats[name]
"""


def main():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = pathlib.Path(__file__).parents[1] / "common/measure.sh"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "cats_app.py").write_text(APP)
        command = [sys.executable, "-m", "uvicorn", "cats_app:app"]
        command += ["--port", str(port), "--log-level", "warning", "--no-access-log"]
        command += ["--workers", str(os.cpu_count())]
        server = subprocess.Popen(command, cwd=folder)
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            url = f"http://127.0.0.1:{port}/cats/catA"
            subprocess.run(["sh", script, url], check=True)
        finally:
            server.terminate()
            server.wait()


main()
