#!/usr/bin/python3
"""Holds TLS connections to a broker that say nothing, after one request each, and prints what
its process then has in memory, in MiB: before, with them, and how many there are.

Usage: idle_connections.py PID PORT CA-FILE COUNT
"""
import resource
import socket
import ssl
import sys

PID, PORT, CA, COUNT = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])


def resident():
    with open(f"/proc/{PID}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
context = ssl.create_default_context(cafile=CA)
before, held = resident(), []
for number in range(COUNT):
    # One address has 28,000 ports at most; all of 127.0.0.0/8 is this host.
    plain = socket.socket()
    plain.bind((f"127.0.{1 + number // 5000}.1", 0))
    plain.connect(("127.0.0.1", PORT))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = context.wrap_socket(plain, server_hostname="localhost")
    stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    if not stream.recv(4096).startswith(b"HTTP/1.1 200 "):
        sys.exit("error: a connection is not served")
    held.append(stream)
print(f"{before:.1f} {resident():.1f} {len(held)}")
