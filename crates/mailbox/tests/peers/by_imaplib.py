"""What imap-client does, by imaplib, on the letters of tests/common.
Usage: by_imaplib.py HOST:PORT"""
import imaplib
import sys

host, port = sys.argv[1].split(":")
checks = 0


def same(said, wanted):
    global checks
    checks += 1
    assert said == wanted, f"{said!r}, not {wanted!r}"


server = imaplib.IMAP4(host, int(port), timeout=30)
try:
    server.login("bob", "wrong")
except imaplib.IMAP4.error:
    same(True, True)
else:
    raise AssertionError("a wrong password was taken")
server.login("bob", "secret")
same(server.select("INBOX"), ("OK", [b"6"]))
same(server.uid("SEARCH", "ALL"), ("OK", [b"1 2 3 4 5 6"]))
same(server.uid("SEARCH", "SUBJECT", "dots"), ("OK", [b"1"]))
try:
    server.uid("SEARCH", "NONSENSE")
except imaplib.IMAP4.error as error:
    same("NONSENSE" in str(error), True)
else:
    raise AssertionError("nonsense was searched for")
_, answer = server.uid("FETCH", "2", "(BODY.PEEK[])")
same(answer[0][1], b"Subject: LF only\r\n\r\nfirst\r\n.\r\n.b\r\nlast\r\n")
_, answer = server.uid("FETCH", "2", "(FLAGS)")
same(b"\\Seen" in answer[0], False)
server.uid("STORE", "2", "+FLAGS", "(\\Seen)")
_, answer = server.uid("FETCH", "2", "(FLAGS)")
same(b"\\Seen" in answer[0], True)
server.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
# EXPUNGE also takes what another program has marked, the letter with T.
same(server.expunge(), ("OK", [b"6", b"1"]))
same(server.uid("SEARCH", "ALL"), ("OK", [b"2 3 4 5"]))
server.logout()
print(f"{checks} checks passed")
