#!/usr/bin/python3
"""Two brokers on one PostgreSQL: what one takes the other has; the database goes and comes
back; a dump is restored.

Usage: postgres.sh broker_postgres.py BUILD-FOLDER
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

BUILD = os.path.abspath(sys.argv[1])
TOBICHI, BROKER = f"{BUILD}/cli/tobichi", f"{BUILD}/daemons/broker/tobichi-broker"
DATABASE, CONTROL = os.environ["TOBICHI_TEST_DATABASE"], os.environ["TOBICHI_TEST_POSTGRES"]
SERVER = os.path.dirname(CONTROL)
WORK = tempfile.mkdtemp()
failed, started = [], []


def check(name, good, told=""):
    print(f"{'ok' if good else 'FAILED'}: {name}{'' if good else f'  {told!r}'}")
    if not good:
        failed.append(name)


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def free_port():
    return int(run("/usr/bin/python3", "-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); "
                   "print(s.getsockname()[1])").stdout)


def status(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def until(port, wanted):
    for _ in range(600):
        if status(port) == wanted:
            return True
        time.sleep(0.1)
    return False


def serve(folder):
    process = subprocess.Popen([TOBICHI, "broker", "serve", "--config", f"{folder}/broker.yaml"],
                               stderr=open(f"{folder}/log", "a", encoding="utf-8"))
    started.append(process)
    return process


def listed(port):
    said = run(TOBICHI, "secret", "list", "--broker", f"http://127.0.0.1:{port}", "--key", f"{WORK}/alice.key", "--json")
    return said.stdout if said.returncode == 0 else said.stderr


def size_of_log(folder):
    said = run(TOBICHI, "broker", "status", "--config", f"{folder}/broker.yaml", "--json")
    return json.loads(said.stdout)["log"]["size"] if said.returncode == 0 else said


def move(folder, old, new):
    with open(f"{folder}/broker.yaml", encoding="utf-8") as file:
        text = file.read()
    with open(f"{folder}/broker.yaml", "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def main():
    one, two, ports = f"{WORK}/one", f"{WORK}/two", (free_port(), free_port())
    said = run(TOBICHI, "broker", "init", one, "--plain", "--listen", f"127.0.0.1:{ports[0]}", "--host", "127.0.0.1",
               "--host", f"127.0.0.1:{ports[0]}", "--host", f"127.0.0.1:{ports[1]}", "--database", DATABASE, "--json")
    check("init on PostgreSQL", said.returncode == 0 and json.loads(said.stdout)["config"] == f"{one}/broker.yaml", said)
    shutil.copytree(one, two)
    move(two, f"  - '127.0.0.1:{ports[0]}'\nhosts", f"  - '127.0.0.1:{ports[1]}'\nhosts")
    move(two, f"{one}/", f"{two}/")
    brokers = [serve(one), serve(two)]
    check("both are ready", until(ports[0], 200) and until(ports[1], 200))
    if failed:
        return
    run(TOBICHI, "keygen", "-o", f"{WORK}/alice")
    said = run(TOBICHI, "owner", "add", "alice", "--owner-key", f"{WORK}/alice.pub", "--repository", "alice", "--broker",
               f"http://127.0.0.1:{ports[0]}", "--key", f"{one}/operator.key")
    check("an owner at one", said.returncode == 0, said)
    with open(f"{WORK}/secret", "w", encoding="ascii") as file:
        file.write("a secret")
    os.chmod(f"{WORK}/secret", 0o600)
    said = run(TOBICHI, "secret", "put", "alice/key/1", f"{WORK}/secret", "--broker", f"http://127.0.0.1:{ports[1]}",
               "--key", f"{WORK}/alice.key")
    check("a secret at the other", said.returncode == 0, said)
    check("each has it", "alice/key/1" in listed(ports[0]) and "alice/key/1" in listed(ports[1]), listed(ports[0]))
    size = size_of_log(one)
    check("they have one log", size == size_of_log(two) and isinstance(size, int) and size >= 2, size)

    subprocess.run([CONTROL, "kill"], check=True)
    check("without its database neither is ready", until(ports[0], 503) and until(ports[1], 503))
    check("an owner is told no other reason", "database does not do its part" in listed(ports[0]), listed(ports[0]))
    subprocess.run([CONTROL, "start"], check=True)
    check("when it is back both are", until(ports[0], 200) and until(ports[1], 200))
    check("nothing is lost", "alice/key/1" in listed(ports[0]) and size_of_log(two) == size)

    where = ["-h", SERVER, "-U", "broker"]
    said = run("pg_dump", *where, "-Fc", "-f", f"{WORK}/dump", "postgres")
    check("pg_dump", said.returncode == 0, said)
    for broker in brokers:
        broker.terminate()
        check("it ends", broker.wait(60) == 0)
    run("createdb", *where, "restored")
    said = run("pg_restore", *where, "-d", "restored", f"{WORK}/dump")
    check("pg_restore", said.returncode == 0, said)
    move(one, "dbname=postgres", "dbname=restored")
    serve(one)
    check("restored, it is ready", until(ports[0], 200))
    check("with what it had", "alice/key/1" in listed(ports[0]) and size_of_log(one) == size, listed(ports[0]))


try:
    main()
finally:
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    shutil.rmtree(WORK, ignore_errors=True)
print(f"{len(failed)} failed")
sys.exit(1 if failed else 0)
