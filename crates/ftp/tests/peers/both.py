"""Puts a file by ftplib, gets it back, also in part, and lists it.

python both.py HOST:PORT FILE
"""

import sys
from ftplib import FTP

address, name = sys.argv[1:]
host, port = address.split(":")
with open(name, "rb") as file:
    whole = file.read()
with FTP() as ftp:
    ftp.connect(host, int(port), timeout=20)
    ftp.login()
    with open(name, "rb") as file:
        ftp.storbinary("STOR by python.bin", file)
    for start in (0, 1, 99_999):
        pieces = []
        ftp.retrbinary("RETR by python.bin", pieces.append, rest=start)
        assert b"".join(pieces) == whole[start:], start
    listed = dict(ftp.mlsd())
    assert listed["by python.bin"]["size"] == str(len(whole)), listed
    assert "by python.bin" in ftp.nlst()
    ftp.set_pasv(False)
    try:
        ftp.nlst()
        sys.exit("the server has connected to us")
    except Exception as error:
        assert str(error)[:3] in ("500", "502"), error
