"""Who uses a key broker while things go wrong: owners that change secrets, guests that ask
for them, followers of the log. Each tells what it saw to the place's Truth, which judges.

As a program: logs that were cut, changed and forked are shown to the one that reads them.
"""
import base64
import hashlib
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../interop"]
sys.dont_write_bytecode = True
import kbs_client as rcar  # noqa: E402
import merkle_tree  # noqa: E402
from broker_owner import exchange  # noqa: E402
from broker_truth import Truth  # noqa: E402

NAMES = 6  # of each owner at each database
MARK = "s3cret"
HOUR = 3600
LOST = (OSError, http.client.HTTPException)
ending = threading.Event()


class Place:
    """A database, with the brokers on it, its owners, and what they know."""

    def __init__(self, name, brokers, build):
        self.tobichi = f"{build}/cli/tobichi"
        self.name, self.brokers, self.truth = name, brokers, Truth()
        self.heads = {}  # size: root, of each head that anybody saw
        self.farthest = 0  # that any clock was set to
        self.owners = {}

    def saw_head(self, head):
        with self.truth.lock:
            known = self.heads.setdefault(head["size"], head["root"])
            if known != head["root"]:
                self.truth.anomaly(f"{self.name}: two roots of {head['size']} entries")


# ---- owners ----

class Writer(threading.Thread):
    """An owner who changes its own secrets, one after the other."""

    def __init__(self, place, owner, seed):
        super().__init__(daemon=True)
        self.place, self.owner, self.rng = place, owner, random.Random(seed)
        self.names = [f"{owner}/key/{n}" for n in range(NAMES)]
        self.serial = 0
        self.old = None  # what was signed once

    def run(self):
        while not ending.is_set():
            try:
                self.step()
            except Exception as error:  # of the test's own: it shall not pass for quiet
                self.place.truth.anomaly(f"the writer {self.owner} failed: {error!r}")
                raise
            time.sleep(self.rng.uniform(0, 0.05))

    def step(self):
        name = self.rng.choice(self.names)
        state = self.place.truth.is_there(name)
        if self.rng.random() < 0.02:
            return self.sign_once()
        if self.old and self.rng.random() < 0.05:
            return self.replay()
        if self.rng.random() < 0.05:
            return self.intrude()
        kind = "put" if state is False else self.rng.choices(["rotate", "put", "delete"],
                                                                         [8, 1, 1] if state else [4, 4, 1])[0]
        return self.change(name, kind, state)

    def change(self, name, kind, state):
        truth, broker = self.place.truth, self.rng.choice(self.place.brokers)
        self.serial += 1
        value, body = None, None
        expires, releases = 0, -1
        if kind != "delete":
            value = f"{MARK} of {name}, {self.place.name} {self.serial} ".encode() + b"\x01\xfe"
            body = {"value": base64.b64encode(value).decode()}
            if self.rng.random() < 0.2:
                releases = body["releases"] = self.rng.randrange(1, 4)
            if self.rng.random() < 0.2:
                expires = body["expires"] = int(broker.now()) + self.rng.choice([2, 5, 2 * HOUR])
        target = f"/v1/secrets/{name}" + ("/versions" if kind == "rotate" else "")
        method = {"put": "PUT", "rotate": "POST", "delete": "DELETE"}[kind]
        change = truth.begin(name, kind, time.monotonic(), value, expires, releases)
        try:
            status, answer = self.place.owners[self.owner].ask(broker.port, method, target, body, broker.now())
        except LOST:
            truth.end(name, change, "unknown", time.monotonic())
            return time.sleep(0.1)
        if status in (200, 201):
            if state is False and kind != "put" or state is True and kind == "put":
                truth.anomaly(f"{name}: {kind} was taken, though it was {'' if state else 'not '}there")
            version = json.loads(answer)["version"] if kind != "delete" else None
            return truth.end(name, change, "taken", time.monotonic(), version)
        if (status, kind) in ((404, "rotate"), (404, "delete")) and state is True:
            truth.anomaly(f"{name}: lost; {kind}: {answer!r}")
        if status == 409 and kind == "put" and state is False:
            truth.anomaly(f"{name}: there, though it was removed: {answer!r}")
        if status == 500:
            truth.anomaly(f"{name}: the broker failed: {answer!r}")
        if status >= 500:
            time.sleep(0.2)
        truth.counts[f"status {status}"] += 1
        truth.end(name, change, "refused" if status < 500 else "unknown", time.monotonic())
        return None

    def intrude(self):
        """Another's secret is not this owner's to change, and a stranger's key is nobody's."""
        other = "blue" if self.owner == "red" else "red"
        broker = self.rng.choice(self.place.brokers)
        who = self.place.owners[self.rng.choice([self.owner, "stranger"])]
        value = {"value": base64.b64encode(b"by an intruder").decode()}
        try:
            status, answer = who.ask(broker.port, "POST", f"/v1/secrets/{other}/key/0/versions", value, broker.now())
        except LOST:
            return
        self.place.truth.counts["intrusions refused"] += status in (401, 403)
        if status < 400 or MARK in answer.decode():
            self.place.truth.anomaly(f"{self.owner} changed what is {other}'s: {status} {answer!r}")

    def sign_once(self):
        """A put that was taken, of what is removed at once: were it taken again, it would be
        there again."""
        owner, broker = self.place.owners[self.owner], self.rng.choice(self.place.brokers)
        target, body = f"/v1/secrets/{self.owner}/once/{self.rng.randrange(1 << 40)}", b'{"value":"YQ=="}'
        token = owner.sign(owner.claims(f"127.0.0.1:{broker.port}", "PUT", target, body, broker.now()))
        try:
            if exchange(broker.port, "PUT", target, body, token)[0] == 201 and \
                    owner.ask(broker.port, "DELETE", target, now=broker.now())[0] == 200:
                self.old = (target, body, token)
        except LOST:
            pass

    def replay(self):
        target, body, token = self.old
        try:
            status, answer = exchange(self.rng.choice(self.place.brokers).port, "PUT", target, body, token)
        except LOST:
            return
        self.place.truth.counts["replays refused"] += status == 401
        if status < 400:
            self.place.truth.anomaly(f"{target}: what was signed once was taken twice: {answer!r}")


# ---- guests ----

class Asker(threading.Thread):
    """A guest that asks for everything that there is, whoever's it is, by the key-broker
    protocol; from time to time it tries what it should not."""

    def __init__(self, place, guest, seed):
        super().__init__(daemon=True)
        self.place, self.guest, self.rng = place, guest, random.Random(seed)
        self.name = guest.kind

    def run(self):
        while not ending.is_set():
            broker = self.rng.choice(self.place.brokers)
            client = rcar.Client(f"http://127.0.0.1:{broker.port}")
            client.connection.timeout = 40
            try:
                key, honest = self.session(client)
                for _ in range(self.rng.randrange(1, 12)):
                    owner = self.rng.choice(["red", "blue"])
                    self.ask(client, broker, key, honest, f"{owner}/key/{self.rng.randrange(NAMES)}")
            except rcar.Refused:
                self.place.truth.counts["sessions refused"] += 1
                time.sleep(0.1)
            except LOST + (AssertionError,):
                self.place.truth.counts["sessions lost"] += 1
                time.sleep(0.1)
            except Exception as error:
                self.place.truth.anomaly(f"the guest {self.name} failed: {error!r}")
                raise
            finally:
                client.connection.close()

    def session(self, client):
        key, honest = rcar.TeeKey("P-256"), self.rng.random() < 0.8
        client.attest(self.guest if honest else Liar(self.guest), "snp", key)
        self.place.truth.counts["sessions"] += 1
        return key, honest

    def ask(self, client, broker, key, honest, name):
        truth, begun = self.place.truth, time.monotonic()
        truth.counts["asked"] += 1
        try:
            answer = client.request("GET", "/resource/" + name, token=client.token if self.rng.random() < 0.5 else None)
        except rcar.Refused as refused:
            lost = ": 50" in str(refused)
            truth.counts["refused"] += not lost
            if lost:
                truth.lost_answer(name)
            if MARK in str(refused):
                truth.anomaly(f"{name}: a refusal tells it: {refused}")
            return
        except LOST:
            truth.lost_answer(name)
            raise
        truth.released(name, self.name if honest else "a liar", key.open(answer), begun, time.monotonic(),
                       broker.earliest(begun))


class Guest(rcar.Guest):
    """One machine, whose evidence several ask for."""

    def __init__(self, kind, program, folder):
        os.mkdir(folder)
        super().__init__(program, folder)
        self.kind, self.lock = kind, threading.Lock()
        with open(f"{folder}/policy.yaml", encoding="utf-8") as file:
            self.policy = file.read()

    def evidence(self, report_data):
        with self.lock:
            return super().evidence(report_data)


class Liar:
    """Its evidence was changed on the way."""

    def __init__(self, guest):
        self.guest = guest

    def evidence(self, report_data):
        evidence = self.guest.evidence(report_data)
        evidence["attestation_report"]["measurement"][0] ^= 1
        return evidence


# ---- the log ----

class Follower(threading.Thread):
    """`tobichi log follow`, and heads that are kept to be compared with the log at the end."""

    def __init__(self, place, seed):
        super().__init__(daemon=True)
        self.place, self.rng = place, random.Random(seed)

    def run(self):
        while not ending.is_set():
            self.once(self.rng.choice(self.place.brokers))
            time.sleep(0.2)

    def once(self, broker):
        place = self.place
        try:
            status, answer = exchange(broker.port, "GET", "/v1/log/head")
            if status == 200:
                place.saw_head(json.loads(answer))
                place.truth.counts["heads"] += 1
        except LOST:
            pass
        done = subprocess.run([place.tobichi, "log", "follow", "--once", "--broker", f"http://127.0.0.1:{broker.port}",
                               "--state", f"{place.brokers[0].folder}/state", "--log-key",
                               f"{place.brokers[0].folder}/log.pub"], capture_output=True, text=True, check=False)
        place.truth.counts[f"follow {done.returncode}"] += 1
        if done.returncode not in (0, 2):
            place.truth.anomaly(f"{place.name}: follow says {done.stdout}{done.stderr}")
        return done.returncode


def read_log(place, port):
    """[hash, decision of whoever may see it or None] of each entry, of all who may read."""
    log = []
    for who in ("red", "blue", "operator"):
        at = 0
        while True:
            status, answer = place.owners[who].ask(port, "GET", f"/v1/log/leaves?from={at}&count=1000")
            leaves = json.loads(answer)["leaves"] if status == 200 else []
            for leaf in leaves:
                if leaf["index"] == len(log):
                    log.append([leaf["hash"], None])
                mine = log[leaf["index"]]
                if mine[0] != leaf["hash"]:
                    place.truth.anomaly(f"{place.name}: entry {leaf['index']} has two hashes")
                if "leaf" in leaf:
                    mine[1] = leaf["decision"]
                    if hashlib.sha256(b"\0" + rcar.unb64url(leaf["leaf"])).hexdigest() != leaf["hash"]:
                        place.truth.anomaly(f"{place.name}: entry {leaf['index']} is not what its hash is of")
            if not leaves:
                break
            at = leaves[-1]["index"] + 1
    return log


def roots_of(hashes, sizes):
    """The roots of RFC 6962 of those first parts: whole subtrees, from the right."""
    stack, roots = [], {0: hashlib.sha256().hexdigest()}
    for index, leaf in enumerate(hashes):
        stack.append((1, bytes.fromhex(leaf)))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            (size, right), (_, left) = stack.pop(), stack.pop()
            stack.append((2 * size, merkle_tree.sha256(b"\1" + left + right)))
        if index + 1 in sizes:
            root = stack[-1][1]
            for _, left in reversed(stack[:-1]):
                root = merkle_tree.sha256(b"\1" + left + root)
            roots[index + 1] = root.hex()
    return roots


def judge_log(place, log):
    roots = roots_of([leaf for leaf, _ in log], set(place.heads))
    for size, root in place.heads.items():
        if roots.get(size) != root:
            place.truth.anomaly(f"{place.name}: a head of {size} entries is not of this log of {len(log)}")
    if not all(decision for _, decision in log):
        place.truth.anomaly(f"{place.name}: entries that nobody may read")
    place.truth.logged([decision for _, decision in log if decision])


def check_log(place):
    """Every head that anybody saw is of the log that is there at the end."""
    for one in place.brokers:
        place.saw_head(json.loads(exchange(one.port, "GET", "/v1/log/head")[1]))
    log = read_log(place, place.brokers[0].port)
    judge_log(place, log)
    place.truth.counts["entries of the log"] = len(log)


# ---- the reader of logs shown what it must see ----

class Shown:
    """Answers as a broker would, with a log that a test makes."""

    def __init__(self, leaves, mine):
        self.leaves, self.mine = leaves, mine

    def ask(self, _port, _method, target):
        start = int(target.split("from=")[1].split("&")[0])
        listed = []
        for index, leaf in list(enumerate(self.leaves))[start:]:
            entry = {"index": index, "hash": hashlib.sha256(b"\0" + leaf).hexdigest()}
            if self.mine:
                entry.update(leaf=rcar.b64url(leaf), decision={"action": "attest", "accepted": True})
            listed.append(entry)
        return 200, json.dumps({"leaves": listed}).encode()


def seen_in(first, last, mine=True):
    """What is said of a log whose leaves were first, and are last."""
    place = Place("a log", [None], "")
    place.truth.anomaly = place.truth.anomalies.append
    place.owners = {"red": Shown(last, mine), "blue": Shown(last, False), "operator": Shown(last, False)}
    for leaves in (first, last):
        place.saw_head({"size": len(leaves), "root": merkle_tree.root(leaves).hex()})
    judge_log(place, read_log(place, 0))
    return place.truth.anomalies


def main():
    leaves = [bytes([n]) for n in range(11)]
    cases = {"one that has grown": (seen_in(leaves[:7], leaves), False),
             "an entry erased": (seen_in(leaves[:7], leaves[:3] + leaves[4:]), True),
             "an entry changed": (seen_in(leaves[:7], leaves[:3] + [b"x"] + leaves[4:]), True),
             "two of one size": (seen_in(leaves, [b"x"] + leaves[1:]), True),
             "an older one": (seen_in(leaves, leaves[:7]), True),
             "one that nobody may read": (seen_in(leaves[:7], leaves, False), True)}
    bad = 0
    for name, (anomalies, wanted) in cases.items():
        good = bool(anomalies) == wanted
        bad += not good
        print(f"{'ok' if good else 'FAILED'}: a log: {name}: {'seen' if wanted else 'good'}{'' if good else anomalies}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
