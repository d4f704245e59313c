#!/usr/bin/python3
"""Which system calls ordinary programs make: the ground for the allow-list of the filters.

Usage: trace_calls.py BUILD_FOLDER >src/isolate/traced_calls.txt: a line for each program.
Needs root, strace and the programs; says on standard error what it does not find.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

NGINX = """daemon off; error_log stderr; pid {folder}/nginx.pid;
worker_processes 2; events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
 fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
 server {{ listen 127.0.0.1:{port}; root {folder}; }} }}
"""
PYTHON = """
import asyncio, mmap, multiprocessing, os, select, signal, socket, sqlite3, subprocess, tempfile, threading, time
def work(n):
    return n * n
if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool:
        assert pool.map(work, range(4)) == [0, 1, 4, 9]
    for one in [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(3)]:
        one.start(); one.join()
    async def main():
        process = await asyncio.create_subprocess_exec('/bin/true')
        await process.wait(); await asyncio.sleep(0.01)
    asyncio.run(main())
    with tempfile.TemporaryDirectory() as folder:
        path = folder + '/a'
        with open(path, 'wb+') as file:
            file.write(b'x' * 8192); file.flush(); os.fsync(file.fileno())
            mmap.mmap(file.fileno(), 4096).close(); os.truncate(path, 100)
        os.link(path, folder + '/b'); os.symlink('a', folder + '/c'); os.readlink(folder + '/c')
        os.rename(folder + '/b', folder + '/d'); os.chmod(path, 0o600); os.utime(path)
        os.mkfifo(folder + '/pipe'); os.statvfs(folder); os.listdir(folder)
        base = sqlite3.connect(folder + '/base'); base.execute('create table t(x)'); base.commit()
    signal.setitimer(signal.ITIMER_REAL, 1); signal.setitimer(signal.ITIMER_REAL, 0)
    left, right = socket.socketpair(); left.send(b'x'); right.recv(1)
    socket.send_fds(left, [b'x'], [0]); socket.recv_fds(right, 1, 1)
    os.sched_getaffinity(0); os.getrandom(4); os.getloadavg(); os.nice(0)
    subprocess.run(['/bin/sh', '-c', 'exit 0'])
"""
SHELL = """cd "$1"; echo a >a; cat a | sort >b; mkdir d; cp a d; mv d/a d/c; ln -s c d/e; ls -lR .; find . -name c;
sleep 0.1 & wait; chmod 600 a; touch -t 202001010000 a; rm -r d; tar cf x.tar a b; tar tf x.tar; gzip -k a; df .; id; date;
dd if=/dev/zero of=z bs=1k count=4 2>/dev/null; mkfifo f; stat a; sync; kill -0 $$; ulimit -n; uname -a; ps >/dev/null; free"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(port)


def calls_of(folder):
    """All that strace has written there."""
    calls = set()
    for name in os.listdir(folder):
        with open(f"{folder}/{name}", errors="replace") as file:
            calls |= set(re.findall(r"^(?:\d+ +)?([a-z_0-9]+)\(", file.read(), re.M))
    return calls


def traced(command, use=None, environment=None, fds=()):
    """The calls of a command and its children; use() is what is done with a server."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(["strace", "-ff", "-qq", "-o", folder + "/t", *command],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, env=environment, pass_fds=fds)
        if use:
            use()
            # To the program itself: strace goes when it has gone.
            with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
                for child in file.read().split():
                    os.kill(int(child), 15)
        process.wait(120)
        return calls_of(folder)


def nginx(work):
    port = free_port()
    with open(f"{work}/nginx.conf", "w") as file:
        file.write(NGINX.format(folder=work, port=port))

    def use():
        wait_for(port)
        subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/nginx.conf"])
    return traced(["nginx", "-c", f"{work}/nginx.conf", "-p", work], use)


def redis(work):
    port = free_port()

    def use():
        wait_for(port)
        for command in (["set", "a", "b"], ["get", "a"], ["bgsave"], ["config", "get", "maxmemory"]):
            subprocess.run(["redis-cli", "-p", str(port), *command], stdout=subprocess.DEVNULL)
        subprocess.run(["redis-benchmark", "-p", str(port), "-n", "200", "-q"], stdout=subprocess.DEVNULL)
    return traced(["redis-server", "--port", str(port), "--dir", work, "--appendonly", "yes"], use)


def server(work):
    port = free_port()

    def use():
        wait_for(port)
        subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/"])
    return traced(["/usr/bin/python3", "-m", "http.server", str(port), "--directory", work], use)


def python(work):
    with open(f"{work}/all.py", "w") as file:
        file.write(PYTHON)
    return traced(["/usr/bin/python3", f"{work}/all.py"])


def busybox(work):
    return traced(["/bin/busybox", "sh", "-c", SHELL, "sh", work])


def shell(work):
    return traced(["/bin/sh", "-c", SHELL, "sh", work])


def sqlite(work):
    text = "pragma journal_mode=wal; create table t(x); insert into t values(1); select * from t; vacuum;"
    return traced(["sqlite3", f"{work}/base", text])


def openssl(work):
    calls = traced(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{work}/k"])
    calls |= traced(["openssl", "req", "-x509", "-new", "-key", f"{work}/k", "-subj", "/CN=x", "-out", f"{work}/c"])
    port = free_port()

    def use():
        wait_for(port)
        subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return calls | traced(["openssl", "s_server", "-accept", str(port), "-key", f"{work}/k", "-cert", f"{work}/c", "-www"], use)


def agent(work):
    """From its exec on, and its child up to the program's."""
    build = os.path.abspath(sys.argv[1])
    tobichi, port = f"{build}/cli/tobichi", free_port()
    environment = {"PATH": os.environ["PATH"], "HOME": work, "TOBICHI_RUN_FOLDER": f"{work}/run",
                   "TOBICHI_STATE_FOLDER": f"{work}/state"}

    def run(*command):
        return subprocess.run([tobichi, *command], env=environment, cwd=work, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
    run("platform", "init")
    run("build", "--tier", "soft", "--port", "8000", "--secret", "token", "-o", "nc.tobi", "--", "/bin/busybox", "nc",
        "-ll", "-p", "8000", "-e", "/bin/busybox", "date")
    with open(f"{work}/token", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("secret")
    os.mkdir(f"{work}/traces")
    service = subprocess.Popen(["strace", "-ff", "-qq", "-o", f"{work}/traces/t", f"{build}/daemons/platform/tobichid",
                                "--run-folder", f"{work}/run", "--state-folder", f"{work}/state", "--private",
                                "--agent", f"{build}/daemons/agent/tobichi-agent"],
                               env=environment, stderr=subprocess.DEVNULL)
    while not os.path.exists(f"{work}/run/service.sock"):
        time.sleep(0.1)
    ident = run("run", "-d", "--publish", f"{port}:8000", "nc.tobi").stdout.strip()
    run("send", f"127.0.0.1:{port}", "--policy", "nc.policy.yaml", "token=token")
    run("attest", ident, "-o", "evidence")
    run("connect", f"127.0.0.1:{port}", "--policy", "nc.policy.yaml", "--", "cat")
    run("stop", ident)
    service.wait(60)
    calls = set()
    for name in os.listdir(f"{work}/traces"):
        with open(f"{work}/traces/{name}", errors="replace") as file:
            text = file.read()
        _, agent_starts, own = text.partition("execveat(")
        child, program_starts, _ = text.partition('execve("/bin/busybox"')
        if agent_starts:
            calls |= set(re.findall(r"^([a-z_0-9]+)\(", own.partition("\n")[2], re.M))
        elif program_starts:
            calls |= set(re.findall(r"^([a-z_0-9]+)\(", child, re.M)) | {"execve"}
    return calls


PROGRAMS = {"nginx": nginx, "redis-server": redis, "python3 -m http.server": server, "python3": python,
            "busybox": busybox, "sh and coreutils": shell, "sqlite3": sqlite, "openssl": openssl,
            "tobichi-agent": agent}


def main():
    print("# Made by scripts/trace_calls.py: what each program calls under its usual use.")
    for name, trace in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as work:
            if name != "tobichi-agent" and not shutil.which(name.split()[0]):
                print(f"not found: {name}", file=sys.stderr)
                continue
            calls = trace(work)
        if calls:
            print(f"{name}: {' '.join(sorted(calls))}", flush=True)


if __name__ == "__main__":
    main()
