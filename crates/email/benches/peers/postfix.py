"""The same jobs with postfix as the server, started by root: each letter synced in
its own queue, from which it goes to a Maildir a little later.

needs: program:postfix

python postfix.py
"""

import os
import pathlib
import subprocess
import sys
import tempfile

PEERS = pathlib.Path(__file__).parents[2] / "tests/peers"
sys.path.insert(0, str(PEERS))
sys.dont_write_bytecode = True
from letters import letters  # noqa: E402


def main():
    for clients in 1, 16:
        job = f"letters-{clients}"
        if os.environ.get("BENCH_ONLY", "") not in job:
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            command = ["sh", PEERS / "postfix-private.sh", folder]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                line = server.stdout.readline()
                host, port = line.split()[-1].split(":")
                address = host, int(port)
                print(f"{job} {letters(address, clients):.0f} letters/s")
            finally:
                server.terminate()
                server.wait()


main()
