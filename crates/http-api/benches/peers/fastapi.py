"""The job `one-cat` done by FastAPI on uvicorn, with as many processes as there are
cores.

needs: python:fastapi python:uvicorn program:wrk

python fastapi.py
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

APP = """
from fastapi import FastAPI
app = FastAPI()
cats = {"catA": {"name": "catA", "hat": "hatA"}}
@app.get("/cats/{name}")
async def one(name: str):
    return cats[name]
"""


def main():
    script = pathlib.Path(__file__).parents[1] / "common/measure.sh"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "cats_app.py").write_text(APP)
        command = [sys.executable, "-m", "uvicorn", "cats_app:app"]
        command += ["--port", "0", "--no-access-log"]
        command += ["--workers", str(os.cpu_count())]
        pipe = {"stderr": subprocess.PIPE, "text": True}
        server = subprocess.Popen(command, cwd=folder, **pipe)
        try:
            # It says where it is, and each process says when it is ready.
            where, ready = None, False
            while not (where and ready):
                line = server.stderr.readline() or sys.exit("uvicorn has ended")
                where = where or re.search(r"http://[\w.:]+", line)
                ready = ready or "startup complete" in line
            url = f"{where[0]}/cats/catA"
            subprocess.run(["sh", script, url], check=True)
        finally:
            server.terminate()
            server.wait()


main()
