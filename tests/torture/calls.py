#!/usr/bin/env python3
"""Every system call of a launch made to fail in turn: of the service while it launches, of
the process that it clones, of the agent, up to the execution of the program. However a
launch ends, there is no crash, no leak and no half-open wall: either the program runs and
finds its wall whole, or it does not run and one line says why.

Usage: calls.py BUILD_FOLDER [--errors EPERM,ENOSYS,ENOMEM] [--every N] [--first K]
"""
import argparse
import ctypes
import errno
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time


def adopt_orphans():
    """So that a service's end can be asked for (PR_SET_CHILD_SUBREAPER)."""
    if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0):
        sys.exit("error: cannot adopt orphans")


class Service:
    """The platform service, with an enclave that stays so that it does."""

    def __init__(self, tobichi, work):
        self.tobichi, self.work = tobichi, work
        self.starts = 0
        self.ensure()

    def ensure(self):
        """Starts it when it is not there. True when it had to be."""
        if self.starts and self.alive():
            return False
        self.keeper = subprocess.run([self.tobichi, "run", "-d", "--name", "keeper", "stays.tobi"],
                                     check=True, capture_output=True, text=True, timeout=60).stdout.strip()
        log = (self.work / "run/service.log").read_text()
        self.pid = int(re.findall(r"^event=ready pid=(\d+)", log, re.M)[-1])
        self.end = None
        self.starts += 1
        return True

    def alive(self):
        """It is this process's child since who started it has ended: adopt_orphans()."""
        if self.end is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.end = os.waitstatus_to_exitcode(status)
        return self.end is None

    def stop(self):
        if self.alive():
            os.kill(self.pid, signal.SIGTERM)
        eventually(self.alive)

    def descriptors(self):
        names = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{self.pid}/fd").iterdir()]
        return sorted(re.sub(r"\d+", "", name) for name in names)



def eventually(condition, seconds=10):
    """The last value, as soon as it is empty or the time is over."""
    end = time.monotonic() + seconds
    while True:
        try:
            value = condition()
        except OSError:
            value = ["the service is going"]
        if not value or time.monotonic() > end:
            return value
        time.sleep(0.02)


def left_over(service, before):
    """What a launch left behind, in words."""
    found = []
    here = set(os.listdir(service.work / "run/enclaves"))
    if here - {service.keeper}:
        found.append(f"state of an enclave: {here}")
    groups = {path.name for path in pathlib.Path("/sys/fs/cgroup").glob("**/tobichi-*")}
    log = (service.work / "run/service.log").read_text()
    ours = {"tobichi-" + name for name in re.findall(r"^event=\S+ id=([0-9a-f]{8})", log, re.M)}
    if groups & ours - {"tobichi-" + service.keeper}:
        found.append(f"control groups: {groups & ours}")
    if str(service.work) in pathlib.Path("/proc/self/mountinfo").read_text():
        found.append("a mount")
    if service.descriptors() != before:
        found.append("descriptors of the service: "
                     f"{set(service.descriptors()) ^ set(before)} ({len(service.descriptors())}, were {len(before)})")
    return found


def read_report(path):
    return dict(word.split("=", 1) for word in path.read_text(encoding="ascii").split())


def judge(report, out, err):
    """What is wrong with how a launch ended; empty when nothing is."""
    if report["crashed"] != "none":
        return f"crash: {report['crashed']}"
    if report["end"] == "late":
        return "it hangs"
    if report["end"] == "exit:0":
        return "" if out == "whole\n" else f"the program ran, and found: {out!r}"
    if out not in ("", "whole\n"):
        return f"half-open: {out!r}"
    if not report["end"].startswith("exit:"):
        return f"the command ended by {report['end']}"
    return "" if err.startswith("tobichi: ") else f"it failed without a word: {err!r}"


# Without memory of its own a sanitizer aborts the program that it watches.
MMAP = {"x86_64": "9", "aarch64": "222"}.get(os.uname().machine)
# unlink(), or what stands for it. A note of an enclave that it does not remove waits for the
# next sweep (src/isolate/end.c).
UNLINK = {"x86_64": "87", "aarch64": "35"}.get(os.uname().machine)


class Torture:
    def __init__(self, build, work, sanitized=False):
        self.sanitized = sanitized
        self.inject = build / "tests/torture/inject"
        self.tobichi = build / "cli/tobichi"
        self.work = work
        self.make_images(build)
        self.service = Service(self.tobichi, work)
        self.before = None
        self.measured = True
        self.counts = {"whole": 0, "refused": 0, "service ended": 0}
        self.wrong = 0

    def make_images(self, build):
        for folder in ("proc", "dev", "tmp"):
            (self.work / "root" / folder).mkdir(parents=True)
        (self.work / "root/probe").write_bytes((build / "tests/torture/probe").read_bytes())
        (self.work / "root/probe").chmod(0o755)
        for name, command in (("probe", ["--root", "root", "--", "/probe"]),
                              ("other", ["--root", "root", "--env", "IT=differs", "--", "/probe"]),
                              ("stays", ["--", "/bin/sleep", "1000000"])):
            subprocess.run([self.tobichi, "build", "--quiet", "--tier", "soft", "-o", f"{name}.tobi", *command],
                           check=True)

    def prepare(self):
        """The image to launch; one that was measured last, or another one."""
        if self.measured:
            subprocess.run([self.tobichi, "run", "other.tobi"], capture_output=True, timeout=60, check=False)
        return "probe.tobi"

    def launch(self, number, error):
        """One launch whose call of that number fails: report, output, errors."""
        image = self.prepare()
        with open("out", "wb") as out, open("err", "wb") as err:
            status = subprocess.run(
                [self.inject, "report", str(self.service.pid), str(number), str(error), self.tobichi, "run", image],
                stdout=out, stderr=err, stdin=subprocess.DEVNULL, timeout=120, check=False).returncode
        if status == 77:
            sys.exit(77)
        if status:
            sys.exit(f"error: inject ended with {status}")
        return read_report(pathlib.Path("report")), pathlib.Path("out").read_text(), pathlib.Path("err").read_text()

    def complain(self, error, number, report, what):
        self.wrong += 1
        print(f"FAILED: {error} at call {number} ({report['failed']} of {report['of']}): {what}", flush=True)

    def one(self, error, number):
        """False when there was no call of that number."""
        report, out, err = self.launch(number, getattr(errno, error))
        if report["failed"] == "-1":
            return False
        ends_itself = self.sanitized and report["failed"] == MMAP
        wrong = judge(report, out, err)
        if wrong and not ends_itself:
            self.complain(error, number, report, wrong)
        if report["failed"] == UNLINK:
            self.wait_for_note()
        left = eventually(lambda: self.service.alive() and left_over(self.service, self.before))
        end = self.service.end
        ended = self.service.ensure()
        if ended and end < 0 and not ends_itself:
            self.complain(error, number, report, f"the service crashed: signal {-end}")
        if ended:
            self.settle()
        elif left:
            self.complain(error, number, report, f"left behind: {'; '.join(left)}")
            self.before = self.service.descriptors()
        self.counts["service ended" if ended else "whole" if report["end"] == "exit:0" else "refused"] += 1
        return True

    def wait_for_note(self):
        """Until there is none but the keeper's, or one that stays; that is swept here."""
        folder = self.work / "run/enclaves"
        notes = lambda: set(os.listdir(folder)) - {self.service.keeper}
        for name in eventually(lambda: self.service.alive() and notes(), 2) or ():
            if (folder / str(name)).exists() and not self.groups_of(folder / name):
                (folder / name).unlink()

    @staticmethod
    def groups_of(note):
        return [line for line in note.read_text().splitlines() if os.path.exists(line)]

    def settle(self):
        """What a service has open once it has launched."""
        for _ in range(3):
            self.launch(0, 0)
        time.sleep(0.2)
        self.before = self.service.descriptors()

    def walk(self, errors, first, step, what):
        report, out, _ = self.launch(0, 0)
        if out != "whole\n":
            sys.exit(f"error: without any failure the wall is not whole: {out!r}")
        self.settle()
        report, _, _ = self.launch(0, 0)
        print(f"a launch makes {report['calls']} {what}", flush=True)
        for error in errors:
            number = first
            while self.one(error, number):
                number += step
                if (number - first) // step % 100 == 0:
                    print(f"{error}: {number}, {self.counts}", flush=True)
            print(f"{error}: done at {number}, {self.counts}", flush=True)

    def run(self, errors, first, step, what="system calls"):
        """Of an image that has to be measured, and of one that was measured just now."""
        for self.measured in (True, False):
            self.walk(errors, first, step, what)
        print(f"{sum(self.counts.values())} launches, {self.counts}, service started {self.service.starts} times, "
              f"{self.wrong} wrong")
        return 1 if self.wrong else 0


def in_work_folder(make, run):
    """What run() says of what make() makes of a folder, which goes away again."""
    if os.geteuid() != 0:
        print("skipped: needs root, to trace the service and look at what it leaves")
        return 77
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="tobichi-torture-") as folder:
        work = pathlib.Path(folder)
        os.chdir(work)
        os.environ.update(TOBICHI_RUN_FOLDER=f"{work}/run", TOBICHI_STATE_FOLDER=f"{work}/state", HOME=folder)
        # The leak sanitizer cannot look at a process that is traced, and aborts.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        torture = make(work)
        try:
            return run(torture)
        finally:
            torture.service.stop()
            os.chdir("/")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--errors", default="EPERM,ENOSYS,ENOMEM")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--sanitized", action="store_true", help="the build has a sanitizer in it")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    return in_work_folder(lambda work: Torture(build, work, arguments.sanitized),
                          lambda torture: torture.run(arguments.errors.split(","), arguments.first, arguments.every))


if __name__ == "__main__":
    sys.exit(main())
