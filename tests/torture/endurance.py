#!/usr/bin/env python3
"""Ten thousand connections to one enclave, and a day's worth of reconnects through one
`tobichi connect`, whose sessions end at the policy's max-age (an hour by default; a second
here): descriptors and memory of agent, service and client stay as they were.

Usage: endurance.py BUILD_FOLDER [--connections 10000] [--clients 32] [--hours 24]
"""
import argparse
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PARALLEL = 8
WARM = 104  # four times; no multiple of the sessions after which agent and client trim their heap


def free_port():
    """One that no connection is given meanwhile."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        end = int(file.read().split()[0])
    for port in range(10000 + os.getpid() % 5000, end):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    sys.exit("error: no port is free")


def is_there(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1][0]
    except OSError:  # it goes while it is looked at
        return False
    return state != "Z"


class Process:
    """What a process has open, and how much memory it has of its own."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid
        self.sanitized = "libasan" in self.read("maps")
        self.before = 0, 0

    def read(self, file):
        return pathlib.Path(f"/proc/{self.pid}/{file}").read_text(encoding="utf-8", errors="replace")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def private(self):
        return sum(int(kib) for kib in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", self.read("smaps_rollup"), re.M))

    def remember(self):
        """What is free goes back to the system every 32 sessions: between, memory rises and falls
        by some 700 KiB, so the highest of what was seen is what counts."""
        self.before = self.descriptors(), max(self.before[1], self.private())

    def judge(self, room):
        """Prints both figures; what is wrong, in words. room: KiB that it may grow."""
        end = time.monotonic() + 10
        while self.descriptors() > self.before[0] and time.monotonic() < end:
            time.sleep(0.05)
        after = self.descriptors(), self.private()
        print(f"  {self.name}: descriptors {self.before[0]} -> {after[0]}, memory {self.before[1]} -> {after[1]} KiB")
        wrong = []
        if after[0] > self.before[0]:
            wrong.append(f"{self.name} keeps descriptors")
        # The sanitizer keeps what was freed, and looks for leaks itself.
        if not self.sanitized and after[1] > self.before[1] + room:
            wrong.append(f"{self.name} keeps memory")
        return wrong


def run(*command, **more):
    return subprocess.run(command, check=True, timeout=600, **more)


def start(build, work):
    """The enclave, the processes to watch, and its port."""
    tobichi, port = build / "cli/tobichi", free_port()
    (work / "root").mkdir()
    for folder in ("proc", "dev", "tmp"):
        (work / "root" / folder).mkdir()
    (work / "root/serve").write_bytes((build / "tests/torture/serve").read_bytes())
    (work / "root/serve").chmod(0o755)
    run(tobichi, "build", "--quiet", "--tier", "soft", "--root", "root", "--port", "9000", "-o", "serve.tobi", "--",
        "/serve", "9000")
    name = run(tobichi, "run", "-d", "--publish", f"127.0.0.1:{port}:9000", "serve.tobi", capture_output=True,
               text=True).stdout.strip()
    service = int(re.findall(r"^event=ready pid=(\d+)", (work / "run/service.log").read_text(), re.M)[-1])
    rows = subprocess.run([tobichi, "ps", "--json"], check=True, capture_output=True, text=True, timeout=60).stdout
    agent = int(re.search(rf'"id":\s*"{name}".*?"pid":\s*(\d+)', rows, re.S)[1])
    children = pathlib.Path(f"/proc/{service}/task/{service}/children").read_text(encoding="ascii").split()
    signer = [int(pid) for pid in children
              if pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "tobichid"]
    watched = [Process("agent", agent), Process("service", service)]
    watched += [Process("signer or sweeper", pid) for pid in signer]
    return port, service, watched


def connections(build, port, watched, count):
    visits = build / "tests/torture/visits"
    policy = "serve.policy.yaml"
    for _ in range(4):
        run(visits, policy, str(port), str(WARM), str(PARALLEL))
        for process in watched:
            process.remember()
    begin = time.monotonic()
    status = subprocess.run([visits, policy, str(port), str(count), str(PARALLEL)], check=False).returncode
    took = time.monotonic() - begin
    print(f"{count} connections, {PARALLEL} at a time: {count / took:.0f} a second, exit status {status}")
    wrong = [] if status == 0 else ["a connection failed"]
    for process in watched:
        wrong += process.judge(512)
    return wrong


class Clients:
    """Each holds a connection until it is ended, and comes back, so often."""

    def __init__(self, port, count, times):
        self.port, self.times = port, times
        self.reconnects, self.failures = 0, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.stay) for _ in range(count)]
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()

    def stay(self):
        for _ in range(self.times):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=30) as one:
                    one.settimeout(30)
                    one.sendall(b"u00000000"[:4])  # `serve` waits for the rest
                    ended = one.recv(1) == b""
            except ConnectionResetError:
                ended = True
            except OSError as error:
                with self.lock:
                    self.failures.append(str(error))
                return
            with self.lock:
                self.reconnects += ended
                if not ended:
                    self.failures.append("it got an answer to half a question")


def reconnects(build, port, watched, clients, hours):
    text = pathlib.Path("serve.policy.yaml").read_text()
    text, found = re.subn(r"^max-age:.*$", "max-age: 1", text, flags=re.M)
    pathlib.Path("short.policy.yaml").write_text(text if found else text + "max-age: 1\n")
    local = free_port()
    with open("connect.log", "wb") as log:
        connect = subprocess.Popen(
            [build / "cli/tobichi", "connect", f"127.0.0.1:{port}", "--policy", "short.policy.yaml", "--listen",
             f"127.0.0.1:{local}"], stdout=log, stderr=log)
    while b"listening" not in pathlib.Path("connect.log").read_bytes():
        if connect.poll() is not None:
            sys.exit(f"error: connect ended: {pathlib.Path('connect.log').read_text()}")
        time.sleep(0.05)
    watched = watched + [Process("tobichi connect", connect.pid)]
    try:
        # Until old sessions have overlapped with new ones in every way: what the heap needs then
        # it keeps, in pieces.
        Clients(local, clients, max(2, hours // 2))
        time.sleep(0.5)
        for process in watched:
            process.remember()
        seen = Clients(local, clients, hours)
        print(f"{seen.reconnects} sessions ended at their age ({clients} clients, {hours} each), "
              f"{len(seen.failures)} failures")
        wrong = [f"a client: {seen.failures[0]}"] if seen.failures else []
        if seen.reconnects != clients * hours:
            wrong.append("not every session ended at its age")
        for process in watched:
            wrong += process.judge(1024)
        return wrong
    finally:
        connect.terminate()
        connect.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--hours", type=int, default=24)
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    if os.geteuid() != 0:
        print("skipped: needs root, to look at the agent")
        return 77
    service = None
    with tempfile.TemporaryDirectory(prefix="tobichi-endurance-") as folder:
        os.chdir(folder)
        os.environ.update(TOBICHI_RUN_FOLDER=f"{folder}/run", TOBICHI_STATE_FOLDER=f"{folder}/state", HOME=folder)
        try:
            port, service, watched = start(build, pathlib.Path(folder))
            wrong = connections(build, port, watched, arguments.connections)
            wrong += reconnects(build, port, watched, arguments.clients, arguments.hours)
        finally:
            if service:
                os.kill(service, signal.SIGTERM)
                while is_there(service):
                    time.sleep(0.05)
            os.chdir("/")
    for line in wrong:
        print(f"FAILED: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
