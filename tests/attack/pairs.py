"""What came of an attack, with and without a wall, and the count of both."""
import collections

# What a kernel says that has not what is attacked; without a wall it is no refusal.
LACKS = ("ENOSYS", "ENOENT", "ENODEV", "ENXIO", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ENETUNREACH")

Outcome = collections.namedtuple("Outcome", "kind text")  # worked, refused, absent, broken


def parse(line):
    """The line that an attack prints: its outcome and a text."""
    kind, tab, text = line.strip("\n").partition("\t")
    if not tab or kind not in ("worked", "refused", "absent", "broken"):
        return Outcome("broken", f"it said '{line.strip()[:200]}'")
    return Outcome(kind, text)


class Pairs:
    def __init__(self):
        self.held = self.skipped = self.unclaimed = 0
        self.failed = []

    def line(self, name, text):
        print(f"ATTACK {name}: {text}", flush=True)

    def fail(self, name, text):
        self.failed.append(name)
        self.line(name, f"FAILED: {text}")

    def pair(self, name, plain, walled):
        """The attack without a wall, and against the enclave."""
        lacking = plain.kind == "absent" or plain.kind == "refused" and plain.text.endswith(LACKS)
        if walled.kind not in ("refused", "absent"):
            self.fail(name, f"it {'WORKS' if walled.kind == 'worked' else 'is broken'} against the "
                            f"enclave: {walled.text}")
        elif lacking:
            self.skipped += 1
            self.line(name, f"not shown here: {plain.text}; fails against the enclave: {walled.text}")
        elif plain.kind != "worked":
            self.fail(name, f"it does not work against an unprotected process either: {plain.text}")
        else:
            self.held += 1
            self.line(name, f"works against an unprotected process: {plain.text}; "
                            f"fails against the enclave: {walled.text}")

    def not_claimed(self, name, outcome):
        """What the tier does not keep out, and says so."""
        if outcome.kind == "broken":
            self.fail(name, outcome.text)
            return
        self.unclaimed += 1
        self.line(name, f"{'works' if outcome.kind == 'worked' else 'fails'}: not claimed: {outcome.text}")

    def root(self, name, outcome):
        """What whoever owns the host can do: shown, because it is said."""
        if outcome.kind != "worked":
            self.fail(name, f"root could not: {outcome.text}")
            return
        self.unclaimed += 1
        self.line(name, "root on the host: works, and the tier does not claim otherwise: " + outcome.text)

    def skip(self, name, reason):
        self.skipped += 1
        self.line(name, f"not shown here: {reason}")

    def summary(self):
        print(f"{self.held} pairs held, {len(self.failed)} failed, {self.skipped} not shown here, "
              f"{self.unclaimed} not claimed", flush=True)
        for name in self.failed:
            print(f"failed: {name}", flush=True)
        return 1 if self.failed or not self.held else 0
