"""What a key broker may have said, kept by those who asked: each secret that was put, with
what is known of it, and each release, judged. Nothing here knows how a broker works.

As a program: each kind of violation is shown to the judge, which must see it.
"""
import collections
import sys
import threading

# A request whose answer was lost may still be carried out, as long as the broker works on
# one (limits.request-seconds, and what waits before it).
LATE = 60


class Change:
    """A put, a rotation or a removal: begun, ended (by one clock), and what came of it."""

    def __init__(self, kind, value, begun, expires=0, releases=-1):
        self.kind, self.value, self.begun, self.ended = kind, value, begun, None
        self.expires, self.releases = expires, releases
        self.given, self.lost = 0, 0  # answers that came, and such as may have been on their way
        self.outcome = "unknown"  # then "taken" or "refused"
        self.version = None

    def end(self, outcome, now, version=None):
        self.outcome, self.ended, self.version = outcome, now, version


class Truth:
    def __init__(self):
        self.lock = threading.RLock()
        self.changes = collections.defaultdict(list)  # of a name, in order
        self.owner_of, self.guest_of = {}, {}
        self.counts = collections.Counter()
        self.anomalies = []
        self.contents = {}  # (name, version): value
        self.given = collections.Counter()  # (name, value): how often it was released

    def anomaly(self, text):
        with self.lock:
            self.anomalies.append(text)
            print("ANOMALY:", text, flush=True)

    # ---- changes ----

    def begin(self, name, kind, now, value=None, expires=0, releases=-1):
        change = Change(kind, value, now, expires, releases)
        with self.lock:
            self.changes[name].append(change)
        return change

    def end(self, name, change, outcome, now, version=None):
        with self.lock:
            change.end(outcome, now, version)
            self.counts[f"{change.kind} {outcome}"] += 1
            if version is None or change.kind == "delete":
                return
            known = self.contents.setdefault((name, version), change.value)
            if known != change.value:
                self.anomaly(f"{name}: version {version} names two contents")
            before = [c.version for c in self.changes[name] if c.version and c is not change]
            if before and max(before) >= version:
                self.anomaly(f"{name}: version {version} came after {max(before)}")

    def is_there(self, name):
        """True or False where that is certain; None where an answer was lost."""
        with self.lock:
            state = False
            for change in self.changes[name]:
                if change.outcome == "taken":
                    state = change.kind != "delete"
                elif change.outcome == "unknown":
                    after = change.kind != "delete"
                    state = state if state is after else None
            return state

    # ---- releases ----

    def stale(self, name, change, begun):
        """Whether another change had certainly taken its place when somebody asked."""
        later = False
        for other in self.changes[name]:
            if other is change:
                later = True
            elif later and other.outcome == "taken" and other.ended < begun and \
                    (change.outcome == "taken" or other.begun > change.begun + LATE):
                return True
        return False

    def released(self, name, guest, value, begun, ended, earliest):
        """A secret came out. earliest: the earliest that the broker's own clock may have
        been then."""
        with self.lock:
            self.counts["released"] += 1
            if self.guest_of.get(self.owner_of.get(name)) != guest:
                return self.anomaly(f"{name}: given to the guest {guest}")
            change = next((c for c in self.changes[name] if c.value == value), None)
            if not change:
                return self.anomaly(f"{name}: given is what nobody put there: {value!r}")
            change.given += 1
            self.given[name, value] += 1
            if change.begun > ended:
                return self.anomaly(f"{name}: given before it was put")
            if change.outcome == "refused":
                return self.anomaly(f"{name}: given is what was refused: {value!r}")
            if change.releases >= 0 and change.given > change.releases:
                return self.anomaly(f"{name}: given {change.given} times of {change.releases}")
            if change.expires and earliest >= change.expires:
                return self.anomaly(f"{name}: given after its end")
            if self.stale(name, change, begun):
                return self.anomaly(f"{name}: given is {value!r}, which is over")
            return None

    def lost_answer(self, name):
        """Somebody asked for it, and what came of that nobody knows."""
        with self.lock:
            self.counts["answers lost"] += 1
            for change in self.changes[name]:
                change.lost += 1

    def newest(self, name):
        """(what may be there at the end, None for nothing; whether it must come)."""
        with self.lock:
            taken, possible = None, []
            for change in self.changes[name]:
                if change.outcome == "taken":
                    taken = None if change.kind == "delete" else change
                    possible = [c for c in possible if c.begun + LATE >= change.begun]
                elif change.outcome == "unknown":
                    possible.append(change)
            return taken, possible

    def at_the_end(self, name, value, clock):
        """What the right guest got at last: value, or None for a refusal. clock: the latest
        that the broker's clock has been."""
        with self.lock:
            taken, possible = self.newest(name)
            if value is None:
                gone = any(c.kind == "delete" for c in possible) or not taken or \
                    (taken.expires and clock >= taken.expires) or \
                    (taken.releases >= 0 and taken.given + taken.lost >= taken.releases) or \
                    any(c.expires or c.releases >= 0 for c in possible if c.kind != "delete")
                if not gone:
                    self.anomaly(f"{name}: lost; {taken.value!r} was taken as version {taken.version}")
                return
            allowed = [c.value for c in possible if c.kind != "delete"] + ([taken.value] if taken else [])
            if value not in allowed:
                self.anomaly(f"{name}: {value!r} is there, and not one of {allowed}")

    # ---- the log ----

    def logged(self, entries):
        """entries: what all owners were shown, together. Each answer must be in it."""
        with self.lock:
            releases = collections.Counter()
            done = collections.Counter()
            for entry in entries:
                key = entry.get("resource"), entry.get("version")
                if entry["action"] == "release":
                    if entry["accepted"]:
                        releases[key] += 1
                    elif entry.get("reason", "").startswith("not given"):
                        releases[key] -= 1
                elif entry["accepted"]:
                    done[entry["action"], entry.get("resource")] += 1
            for name, changes in self.changes.items():
                for kind in ("put", "rotate", "delete"):
                    taken = sum(c.kind == kind and c.outcome == "taken" for c in changes)
                    logged = done["secret " + kind, name]
                    if logged < taken:
                        self.anomaly(f"{name}: {taken} times {kind}, and {logged} in the log")
                for change in changes:
                    if change.version and change.given > releases[name, change.version]:
                        self.anomaly(f"{name}: version {change.version} was given {change.given} times, and "
                                     f"{releases[name, change.version]} are in the log")


# ---- the judge judged ----

def scene():
    truth = Truth()
    truth.owner_of["red/a/b"] = "red"
    truth.guest_of.update(red="good", blue="bad")
    change = truth.begin("red/a/b", "put", 10, b"one", expires=1000, releases=2)
    truth.end("red/a/b", change, "taken", 11, 1)
    return truth


def rotated(truth, outcome="taken"):
    change = truth.begin("red/a/b", "rotate", 20, b"two")
    truth.end("red/a/b", change, outcome, 21, 2 if outcome == "taken" else None)


def deleted(truth):
    truth.end("red/a/b", truth.begin("red/a/b", "delete", 30), "taken", 31)


def give(truth, value=b"one", guest="good", begun=40, earliest=500):
    truth.released("red/a/b", guest, value, begun, begun + 1, earliest)


def entry(action, version=1, accepted=True, **more):
    return {"action": action, "resource": "red/a/b", "version": version, "accepted": accepted, **more}


def twice_numbered(truth):
    rotated(truth)
    truth.end("red/a/b", truth.begin("red/a/b", "rotate", 50, b"three"), "taken", 51, 2)


def numbered_down(truth):
    deleted(truth)
    truth.end("red/a/b", truth.begin("red/a/b", "put", 50, b"three"), "taken", 51, 1)


VIOLATIONS = {
    "another's guest": lambda t: give(t, guest="bad"),
    "nobody's content": lambda t: give(t, b"none"),
    "too often": lambda t: [give(t) for _ in range(3)],
    "after its end": lambda t: give(t, earliest=1000),
    "after a removal": lambda t: (deleted(t), give(t)),
    "after a rotation": lambda t: (rotated(t), give(t)),
    "what was refused": lambda t: (rotated(t, "refused"), give(t, b"two")),
    "before it was put": lambda t: give(t, begun=5),
    "lost": lambda t: t.at_the_end("red/a/b", None, 999),
    "the old one at the end": lambda t: (rotated(t), t.at_the_end("red/a/b", b"one", 999)),
    "back after a removal": lambda t: (deleted(t), t.at_the_end("red/a/b", b"one", 999)),
    "a number of two contents": twice_numbered,
    "a number from before": numbered_down,
    "a release that is not in the log": lambda t: (give(t), t.logged([entry("secret put")])),
    "one that the log takes back": lambda t: (give(t), t.logged([
        entry("secret put"), entry("release"), entry("release", accepted=False, reason="not given: it was")])),
    "a put that is not in the log": lambda t: t.logged([]),
}
HARMLESS = {
    "given": give,
    "given twice": lambda t: [give(t) for _ in range(2)],
    "given while it was rotated": lambda t: (rotated(t), give(t, begun=20)),
    "rotated without an answer": lambda t: (rotated(t, "unknown"), give(t), give(t, b"two")),
    "removed": lambda t: (deleted(t), t.at_the_end("red/a/b", None, 999)),
    "expired": lambda t: t.at_the_end("red/a/b", None, 1000),
    "used up": lambda t: (give(t), give(t), t.at_the_end("red/a/b", None, 999)),
    "used up by answers that were lost": lambda t: (t.lost_answer("red/a/b"), give(t),
                                                    t.at_the_end("red/a/b", None, 999)),
    "still there": lambda t: t.at_the_end("red/a/b", b"one", 999),
    "in the log": lambda t: (give(t), t.logged([entry("secret put"), entry("release")])),
}


def main():
    bad = 0
    for wanted, cases in ((1, VIOLATIONS), (0, HARMLESS)):
        for name, play in cases.items():
            truth = scene()
            truth.anomaly = truth.anomalies.append
            play(truth)
            good = bool(truth.anomalies) == bool(wanted)
            bad += not good
            print(f"{'ok' if good else 'FAILED'}: {name} is {'seen' if wanted else 'no violation'}"
                  f"{'' if good else f' {truth.anomalies}'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
