"""Gets a file by FTP, over two connections.
Run: python short_ftp_get.py [HOST:PORT NAME]
In Rust: examples/short-ftp-get.rs"""
import sys
from ftplib import FTP

usual = ["127.0.0.1:2121", "hats.txt"]
address, name = sys.argv[1:] or usual
host, port = address.split(":")
print(f"Get: {name}", flush=True)

# The first connection: commands and replies.
ftp = FTP()
ftp.connect(host, int(port))
ftp.login()

# The second one carries the file: PASV, connect, RETR.
data = ftp.transfercmd("RETR " + name)
length = 0
while piece := data.recv(4096):
    length += len(piece)
    sys.stdout.write(piece.decode())
data.close()
print(f"{length} bytes, then {ftp.voidresp()[:3]}")
