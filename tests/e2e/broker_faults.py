#!/usr/bin/python3
"""Random faults, compressed: two brokers on one PostgreSQL and one on SQLite are killed,
stopped, filled up, reloaded and put into other times while owners change secrets and guests
ask for them. Nothing is given wrongly, nothing is lost, the log holds; then all recovers.

Usage: postgres.sh broker_faults.py BUILD-FOLDER
TOBICHI_FAULT_SEED repeats a schedule, TOBICHI_FAULT_SECONDS is how long (40).
"""
import collections
import http.client
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../interop"]
sys.dont_write_bytecode = True
import kbs_client as rcar  # noqa: E402
from broker_load import HOUR, NAMES, Asker, Follower, Guest, Place, Writer, check_log, ending  # noqa: E402
from broker_owner import Broker, Owner, exchange  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
TOBICHI = f"{BUILD}/cli/tobichi"
DATABASE, CONTROL = os.environ["TOBICHI_TEST_DATABASE"], os.environ["TOBICHI_TEST_POSTGRES"]
SEED = int(os.environ.get("TOBICHI_FAULT_SEED") or random.SystemRandom().randrange(1 << 32))
SECONDS = float(os.environ.get("TOBICHI_FAULT_SECONDS") or 40)
WORK = tempfile.mkdtemp()
RECOVERY = 60
DAY = 86400

faults = collections.Counter()
failed = []


def check(name, good, told=""):
    print(f"{'ok' if good else 'FAILED'}: {name}{'' if good else f'  {told!r}'}", flush=True)
    if not good:
        failed.append(name)


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


def free_ports(count):
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        end = int(file.read().split()[0])
    held = []
    while len(held) < count:
        one = socket.socket()
        try:
            one.bind(("127.0.0.1", random.SystemRandom().randrange(10000, end)))
            held.append(one)
        except OSError:
            one.close()
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def clock_library():
    """libfaketime, where a broker can be given it."""
    if "libasan" in run("ldd", f"{BUILD}/daemons/broker/tobichi-broker"):
        return None
    for folder, _, names in os.walk("/usr/lib"):
        if "libfaketimeMT.so.1" in names:
            return f"{folder}/libfaketimeMT.so.1"
    return None


class Clocked(Broker):
    """A broker whose clock a test moves."""

    def __init__(self, folder, port, library):
        self.file, self.offset, self.moved = f"{folder}/clock", 0, []
        more = {}
        if library:
            more = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        super().__init__(BUILD, folder, port, f"{WORK}/{port}.log", **more)
        self.set_clock(0)

    def set_clock(self, offset):
        # Both sides of the change: a request may be served in either.
        self.moved.append((time.monotonic(), min(self.offset, offset)))
        with open(self.file + ".new", "w", encoding="ascii") as file:
            file.write(f"{offset:+d}\n")
        os.rename(self.file + ".new", self.file)
        self.offset = offset
        self.moved.append((time.monotonic(), offset))

    def earliest(self, begun):
        """The earliest that its clock may have been since begun (monotonic)."""
        offsets = [self.offset] + [offset for when, offset in self.moved if when >= begun - 1]
        before = [offset for when, offset in self.moved if when < begun - 1]
        return time.time() - (time.monotonic() - begun) - 1 + min(offsets + before[-1:])

    def now(self):
        return time.time() + self.offset


# ---- faults ----

class Trouble(threading.Thread):
    """One kind of things that go wrong, one after the other; each is over when it returns."""

    def __init__(self, seed, kinds, name, pause=1.2, broker=None):
        super().__init__(daemon=True)
        self.rng, self.kinds, self.name, self.current = random.Random(seed), kinds, name, None
        self.pause, self.broker = pause, broker

    def run(self):
        while not ending.is_set():
            kind = self.rng.choice(self.kinds)
            if self.broker and self.broker.process.poll() is not None:
                failed.append(f"{self.name}: after {self.current} it ended by itself: {self.broker.process.returncode}")
                print("FAILED:", failed[-1], flush=True)
                back(self.broker)
            self.current = kind.__name__
            try:
                kind(self.rng)
            except (Exception, SystemExit) as error:  # a thread ends without a word by the second
                failed.append(f"{self.name}: {self.current}: {error!r}")
                raise
            faults[kind.__name__] += 1
            ending.wait(self.rng.uniform(0.1, self.pause))


def back(broker):
    """It starts, whatever it takes: its database may be away just now."""
    end = time.monotonic() + RECOVERY
    while time.monotonic() < end:
        broker.start()
        if broker.wait_ready(20):
            return
        broker.end(signal.SIGKILL)
        time.sleep(0.2)
    failed.append(f"{broker.folder}: it does not come back")


def faults_of(place, broker):
    def kill_9(rng):
        broker.end(signal.SIGKILL)
        ending.wait(rng.uniform(0, 0.4))
        back(broker)

    def ended_and_started(_):
        code = broker.end(signal.SIGTERM)
        if code != 0:
            place.truth.anomaly(f"{broker.folder}: ended with {code}")
        back(broker)

    def stopped_for_a_while(rng):
        broker.send(signal.SIGSTOP)
        ending.wait(rng.uniform(0.1, 1.5))
        broker.send(signal.SIGCONT)

    def reload_storm(rng):
        for _ in range(rng.randrange(5, 60)):
            broker.send(signal.SIGHUP)
            time.sleep(rng.uniform(0, 0.01))

    def collateral_is_away(rng):
        folder = f"{broker.folder}/collateral"
        os.rename(folder, folder + ".away")
        broker.send(signal.SIGHUP)
        ending.wait(rng.uniform(0.1, 0.6))
        os.rename(folder + ".away", folder)
        broker.send(signal.SIGHUP)

    def collateral_is_garbage(rng):
        path = f"{broker.folder}/collateral/bundle"
        for _ in range(rng.randrange(1, 4)):
            with open(path, "wb") as file:
                file.write(rng.choice([b"", b"\xd9\xd9\xf7", b"TOBI", b"-----BEGIN X509 CRL-----\n", b"{"])
                           + rng.randbytes(rng.randrange(2000)))
            broker.send(signal.SIGHUP)
            ending.wait(0.1)
        os.unlink(path)
        broker.send(signal.SIGHUP)

    def token_key_is_away(rng):
        path = f"{broker.folder}/token.key"
        os.rename(path, path + ".away")
        broker.send(signal.SIGHUP)
        ending.wait(0.2)
        if rng.random() < 0.5:
            broker.end(signal.SIGKILL)
            broker.start()
            if broker.end(0) != 2:
                place.truth.anomaly(f"{broker.folder}: it started without its token key")
        os.rename(path + ".away", path)
        if broker.process.poll() is not None:
            back(broker)

    def clock_jumps(rng):
        jump = rng.choice([DAY, DAY, -HOUR, -HOUR, 40 * DAY])
        place.farthest = max(place.farthest, time.time() + jump)
        broker.set_clock(jump)
        ending.wait(rng.uniform(0.5, 2))
        broker.set_clock(0)

    kinds = [kill_9, kill_9, ended_and_started, stopped_for_a_while, reload_storm, collateral_is_away,
             collateral_is_garbage, token_key_is_away]
    return kinds + ([clock_jumps, clock_jumps] if "LD_PRELOAD" in broker.environment else [])


def faults_of_disk(broker, disk):
    filler = f"{disk}/filler"

    def remount(how):
        # The follower's state is there, too, and may be open just now.
        for _ in range(100):
            if subprocess.run(["mount", "-o", f"remount,{how}", disk], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise OSError(f"the disk does not become {how}")

    def disk_is_full(rng):
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                pass
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass
        ending.wait(rng.uniform(0.3, 2))
        os.unlink(filler)

    def disk_is_read_only(_):
        broker.end(signal.SIGKILL)
        remount("ro")
        broker.start()
        if broker.wait_ready(10):
            failed.append("on a disk that is read-only a broker is ready")
        broker.end(signal.SIGKILL)
        remount("rw")
        back(broker)

    return [disk_is_full, disk_is_full, disk_is_read_only]


def faults_of_database():
    where = ["psql", "-h", os.path.dirname(CONTROL), "-U", "broker", "-d", "postgres", "-q", "-c"]

    def sql(text):
        subprocess.run([*where, text], capture_output=True, check=False)

    def database_kill_9(rng):
        run(CONTROL, "kill")
        ending.wait(rng.uniform(0, 0.5))
        run(CONTROL, "start")

    def database_restart(_):
        run(CONTROL, "stop")
        run(CONTROL, "start")

    def database_connections_cut(_):
        sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = 'postgres'")

    def database_read_only(rng):
        sql("ALTER SYSTEM SET default_transaction_read_only = on")
        sql("SELECT pg_reload_conf()")
        ending.wait(rng.uniform(0.3, 1.5))
        sql("ALTER SYSTEM RESET default_transaction_read_only")
        sql("SELECT pg_reload_conf()")

    def database_locked(rng):
        table = rng.choice(["log_state", "resource", "resource_version", "used_token", "owner_key"])
        sql(f"BEGIN; LOCK TABLE {table}; SELECT pg_sleep({rng.uniform(0.2, 2):.2f}); COMMIT")

    return [database_kill_9, database_restart, database_connections_cut, database_read_only, database_locked]


def faults_of_clients(brokers):
    head = b"POST /kbs/v0/auth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n"

    def connect(rng):
        return socket.create_connection(("127.0.0.1", rng.choice(brokers).port), 5)

    def connections_reset(rng):
        for _ in range(rng.randrange(1, 30)):
            try:
                with connect(rng) as stream:
                    stream.sendall(head[:rng.randrange(len(head))])
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass

    def slow_clients(rng):
        held = []
        for _ in range(rng.randrange(1, 30)):
            try:
                held.append(connect(rng))
                for byte in head[:rng.randrange(40)]:
                    held[-1].sendall(bytes([byte]))
            except OSError:
                pass
        ending.wait(rng.uniform(0, 1))
        for stream in held:
            stream.close()

    return [connections_reset, slow_clients]


# ---- set-up and end ----

LIMITS = """collateral: ['collateral']
limits:
  rate: 0
  client-rate: 0
  client-connections: 1000
"""


def make_broker(folder, port, ports, database, library):
    hosts = [word for one in ports for word in ("--host", f"127.0.0.1:{one}")]
    run(TOBICHI, "broker", "init", folder, "--plain", "--listen", f"127.0.0.1:{port}", *hosts,
        "--database", database)
    os.mkdir(f"{folder}/collateral")
    with open(f"{folder}/broker.yaml", "a", encoding="utf-8") as file:
        file.write(LIMITS)
    with open(f"{folder}/log.pub", "w", encoding="ascii") as file:
        file.write(run("openssl", "pkey", "-in", f"{folder}/token.key", "-pubout"))
    return Clocked(folder, port, library)


def second_broker(first, folder, port, library):
    shutil.copytree(first.folder, folder)
    path = f"{folder}/broker.yaml"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = text.replace(f"{first.folder}/", f"{folder}/").replace(
        f"listen:\n  - '127.0.0.1:{first.port}'", f"listen:\n  - '127.0.0.1:{port}'")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return Clocked(folder, port, library)


def set_up(place, work, guests):
    """Its owners, each with a policy for one guest."""
    first = place.brokers[0]
    for broker in place.brokers:
        broker.start()
    check(f"{place.name}: ready", all(broker.wait_ready() for broker in place.brokers))
    place.owners["operator"] = operator = Owner(f"{first.folder}/operator.key")
    place.owners["stranger"] = Owner(f"{work}/stranger.key")
    for name, guest in (("red", "good"), ("blue", "bad")):
        place.owners[name] = owner = Owner(f"{work}/{name}.key")
        with open(f"{work}/{name}.pub", encoding="ascii") as file:
            status, answer = operator.ask(first.port, "POST", "/v1/owners", {
                "name": name, "keys": [file.read()], "repositories": [name]})
        check(f"{place.name}: the owner {name}", status == 201, answer)
        status, answer = owner.ask(first.port, "PUT", f"/v1/policies/{name}", {"policy": guests[guest].policy})
        check(f"{place.name}: its policy", status == 200, answer)
        place.truth.guest_of[name] = guest
        for n in range(NAMES):
            place.truth.owner_of[f"{name}/key/{n}"] = name


def last_look(place, guests):
    """Each broker gives each secret's newest content, to the right guest alone."""
    for broker in place.brokers:
        for name, owner in sorted(place.truth.owner_of.items()):
            for guest in guests.values():
                client, key, begun = rcar.Client(f"http://127.0.0.1:{broker.port}"), rcar.TeeKey("P-256"), time.monotonic()
                client.attest(guest, "snp", key)
                value = None
                try:
                    value = client.resource(name, key)
                    place.truth.released(name, guest.kind, value, begun, time.monotonic(), broker.earliest(begun))
                except rcar.Refused as refused:
                    if ": 401 " not in str(refused):
                        place.truth.anomaly(f"{name}: after all that: {refused}")
                client.connection.close()
                if guest.kind == place.truth.guest_of[owner]:
                    # It may have ended since, though no clock was moved.
                    place.truth.at_the_end(name, value, max(place.farthest, time.time()))


def mount_disk(work):
    """A disk of its own, and small; None where that is not allowed."""
    disk, size = f"{work}/disk", 48 + int(4 * SECONDS)  # the log grows, with what each refusal found
    os.mkdir(disk)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=700", "tobichi-faults", disk],
                          capture_output=True, check=False)
    return disk if done.returncode == 0 else None


def play(places, troubles, guests, rng):
    writers = [Writer(place, owner, rng.random()) for place in places for owner in ("red", "blue")]
    askers = [Asker(place, guest, rng.random()) for place in places for guest in guests.values()]
    workers = writers + askers + [Follower(place, rng.random()) for place in places]
    for thread in workers + troubles:
        thread.start()
    ending.wait(SECONDS)
    ending.set()
    for thread in troubles + workers:
        thread.join(2 * RECOVERY)
        check(f"{thread.name}: ended", not thread.is_alive(), getattr(thread, "current", ""))


def why_not(place):
    """What the broker says of itself, and how much is left of its disk."""
    broker = place.brokers[-1]
    try:
        said = exchange(broker.port, "GET", "/readyz", timeout=20)
    except (OSError, http.client.HTTPException) as error:
        said = error
    with open(broker.log, encoding="utf-8") as file:
        lines = file.readlines()[-5:]
    room = os.statvfs(broker.folder)
    return said, broker.process.poll(), f"{room.f_bavail * room.f_frsize} bytes are free", lines


def report(places):
    print(f"faults: {sum(faults.values())}: " + ", ".join(f"{n} {name}" for name, n in sorted(faults.items())))
    for place in places:
        print(f"{place.name}: " + ", ".join(f"{name} {n}" for name, n in sorted(place.truth.counts.items())))
        check(f"{place.name}: no anomaly", not place.truth.anomalies, place.truth.anomalies[:5])


def main(work):
    print(f"seed {SEED}, {SECONDS:g} seconds", flush=True)
    rng, library, disk = random.Random(SEED), clock_library(), mount_disk(work)
    for name, there in (("clock jumps", library), ("a full disk", disk)):
        if not there:
            print(f"not checked: {name}")
    guests = {kind: Guest(kind, f"{BUILD}/tests/tools/snp_report", f"{work}/{kind}") for kind in ("good", "bad")}
    for name in ("red", "blue", "stranger"):
        run(TOBICHI, "keygen", "-o", f"{work}/{name}")
    ports = free_ports(3)
    one = make_broker(f"{work}/one", ports[0], ports[:2], DATABASE, library)
    two = second_broker(one, f"{work}/two", ports[1], library)
    folder = f"{disk or work}/three"
    three = make_broker(folder, ports[2], ports[2:], f"sqlite:{folder}/broker.db", library)
    places = [Place("PostgreSQL", [one, two], BUILD), Place("SQLite", [three], BUILD)]
    try:
        for place in places:
            set_up(place, work, guests)
        if failed:
            return
        troubles = [Trouble(rng.random(), faults_of(place, broker) +
                            (faults_of_disk(broker, disk) if broker is three and disk else []),
                            f"{place.name}, port {broker.port}", broker=broker)
                    for place in places for broker in place.brokers]
        troubles.append(Trouble(rng.random(), faults_of_database(), "the database", 5))
        troubles.append(Trouble(rng.random(), faults_of_clients([one, two, three]), "clients"))
        play(places, troubles, guests, rng)
        for place in places:
            ready = all(broker.wait_ready(RECOVERY) for broker in place.brokers)
            check(f"{place.name}: it recovers by itself", ready, "" if ready else why_not(place))
            if ready:
                last_look(place, guests)
                check_log(place)
                check(f"{place.name}: its followers say so, too", Follower(place, 0).once(place.brokers[0]) == 0)
        report(places)
    finally:
        for broker in (one, two, three):
            broker.end(signal.SIGTERM if not failed else signal.SIGKILL)
        for guest in guests.values():
            guest.close()
        if disk:
            subprocess.run(["umount", disk], check=False)


try:
    main(WORK)
finally:
    if os.environ.get("TOBICHI_FAULT_KEEP"):
        print(f"kept: {WORK}")
    else:
        shutil.rmtree(WORK, ignore_errors=True)
print(f"{len(failed)} failed" + (f": TOBICHI_FAULT_SEED={SEED} repeats it" if failed else ""))
sys.exit(1 if failed else 0)
