#!/usr/bin/python3
"""Azure's paravisor in front of a software TPM, played: paravisor.py SOCKET TPM COMMAND...

Commands go on to the TPM's socket, but for its report: whenever the user's data (NV index
0x01400002) is written, COMMAND (azure_guest ... -) gets it as a line, writes hcl.bin and
says "done"; a read of the index 0x01400001 gives that file. What it does says the file
`paravisor`: ok; stale (an old report)."""
import os
import socket
import struct
import subprocess
import sys

NV_READ, NV_WRITE, REPORT, USER_DATA = 0x14E, 0x137, 0x01400001, 0x01400002
maker = subprocess.Popen(sys.argv[3:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def make(data):
    maker.stdin.write(data.hex() + "\n")
    maker.stdin.flush()
    for line in maker.stdout:
        if line == "done\n":
            return
    raise SystemExit("no report")


def receive(stream):
    head = stream.recv(10, socket.MSG_WAITALL)
    if len(head) < 10:
        return b""
    size = struct.unpack(">I", head[2:6])[0]
    return head + (stream.recv(size - 10, socket.MSG_WAITALL) if size > 10 else b"")


def answer(command):
    """To a read of the report; None: the TPM's to answer."""
    code, = struct.unpack(">I", command[6:10])
    if code not in (NV_READ, NV_WRITE):
        return None
    index, auth = struct.unpack(">II", command[14:22])
    rest = command[22 + auth:]
    if code == NV_WRITE and index == USER_DATA:
        with open("paravisor") as mode:
            if mode.read().strip() == "ok":
                make(rest[2:2 + struct.unpack(">H", rest[:2])[0]])
    if code != NV_READ or index != REPORT:
        return None
    size, offset = struct.unpack(">HH", rest)
    with open("hcl.bin", "rb") as file:
        part = file.read()[offset:offset + size]
    body = struct.pack(">IH", 2 + len(part), len(part)) + part + b"\0\0\1\0\0"
    return struct.pack(">HII", 0x8002, 10 + len(body), 0) + body


def serve(client):
    with client, socket.socket(socket.AF_UNIX) as tpm:
        tpm.connect(sys.argv[2])
        while command := receive(client):
            response = answer(command)
            if response is None:
                tpm.sendall(command)
                response = receive(tpm)
            client.sendall(response)


make(bytes(64))
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.symlink(sys.argv[2] + ".ctrl", sys.argv[1] + ".ctrl")
while True:
    serve(listener.accept()[0])
