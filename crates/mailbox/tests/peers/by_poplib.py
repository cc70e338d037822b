"""Every command of POP3 by poplib, on the letters of tests/common.
Usage: by_poplib.py HOST:PORT"""
import poplib
import sys

host, port = sys.argv[1].split(":")
checks = 0


def same(said, wanted):
    global checks
    checks += 1
    assert said == wanted, f"{said!r}, not {wanted!r}"


def refused(work, *arguments):
    try:
        said = work(*arguments)
    except poplib.error_proto:
        same(True, True)
    else:
        raise AssertionError(f"{said!r}, not an error")


def login():
    server = poplib.POP3(host, int(port), timeout=30)
    server.user("bob")
    server.pass_("secret")
    return server


server = poplib.POP3(host, int(port), timeout=30)
server.user("bob")
refused(server.pass_, "wrong")
server.close()

server = login()
same("TOP" in server.capa(), True)
count, size = server.stat()
same(count, 6)
_, lines, _ = server.list()
sizes = [int(line.split()[1]) for line in lines]
same(sum(sizes), size)
same(sizes[1], 40)
_, names, _ = server.uidl()
same(len({name.split()[1] for name in names}), 6)
same(names[4].split()[1], b"1700000005.M1P1.mx.example.com,U=5")
_, letter, _ = server.retr(1)
same(letter[2:], [b"first", b".", b"..", b".a", b"last"])
_, letter, _ = server.retr(2)
same(letter, [b"Subject: LF only", b"", b"first", b".", b".b", b"last"])
_, letter, _ = server.retr(3)
same(letter[2:], [b"line", b"."])
_, letter, _ = server.top(1, 2)
same(letter, [b"Subject: dots", b"", b"first", b"."])
server.dele(2)
refused(server.retr, 2)
refused(server.list, 2)
same(server.stat()[0], 5)
server.rset()
same(server.stat()[0], 6)
server.noop()
server.dele(6)
server.quit()

server = login()
same(server.stat()[0], 5)
_, after, _ = server.uidl()
same(after, names[:5])
server.quit()
print(f"{checks} checks passed")
