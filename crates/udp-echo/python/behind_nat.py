"""Builds a house, a router and a server of three name spaces of Linux, and lets
the short UDP programs talk through them. It wants a name space of its own."""

import subprocess
import sys
from pathlib import Path

HOUSE = ["192.168.1.1", "192.168.1.20"]  # the router's end, and ours
STREET = ["203.0.113.1", "203.0.113.5"]
SERVER = STREET[1] + ":6789"


def do(*command):
    subprocess.run(command, check=True)


def host(name, router, own):
    """A machine at the other end of a cable to the router."""
    command = ["unshare", "--net", "sh", "-c", "echo ready && exec cat"]
    holder = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    holder.stdout.readline()
    inside = ["nsenter", f"--target={holder.pid}", "--net"]
    peer = ["peer", "name", "out", "netns", str(holder.pid)]
    do("ip", "link", "add", name, "type", "veth", *peer)
    do("ip", "address", "add", router + "/24", "dev", name)
    do("ip", "link", "set", name, "up")
    do(*inside, "ip", "address", "add", own + "/24", "dev", "out")
    do(*inside, "ip", "link", "set", "out", "up")
    return inside


def start(inside, program, *arguments):
    script = str(Path(__file__).with_name(program))
    command = [*inside, sys.executable, "-u", script, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def show(name, program):
    print(f"{name}: {program.stdout.readline().rstrip()}", flush=True)


house = host("house", *HOUSE)
street = host("street", *STREET)
do(*house, "ip", "route", "add", "default", "via", HOUSE[0])
Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
do("nft", "add table ip nat")
do("nft", "add chain ip nat out { type nat hook postrouting priority 100; }")
do("nft", "add rule ip nat out oifname street masquerade")
print(f"The client is at {HOUSE[1]}, its router at {STREET[0]}", flush=True)

server = start(street, "short_udp_server.py", SERVER)
show("server", server)
client = start(house, "short_udp_client.py", SERVER)
show("client", client)
show("server", server)
show("server", server)
show("client", client)
client.wait()
server.kill()
