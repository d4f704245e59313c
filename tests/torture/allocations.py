#!/usr/bin/env python3
"""Every allocation that the service makes while it launches, made to fail in turn: the same
verdicts as calls.py, whose other half this is.

Usage: allocations.py BUILD_FOLDER [--every N] [--first K]
"""
import argparse
import os
import pathlib
import struct
import subprocess
import sys

import calls


class Allocations(calls.Torture):
    def __init__(self, build, work):
        self.control = work / "control"
        self.control.write_bytes(bytes(24))
        os.environ.update(LD_PRELOAD=str(build / "tests/torture/libpreload.so"), TORTURE_CONTROL=str(self.control))
        super().__init__(build, work)

    def arm(self, pid, number):
        with open(self.control, "r+b") as file:
            file.write(struct.pack("=QQQ", pid, number, 0))

    def made(self):
        return struct.unpack("=QQQ", self.control.read_bytes())[2]

    def launch(self, number, error):
        image = self.prepare()
        self.arm(self.service.pid, number)
        try:
            done = subprocess.run([self.tobichi, "run", image], capture_output=True, text=True, timeout=60,
                                  stdin=subprocess.DEVNULL, check=False)
            end, out, err = f"exit:{done.returncode}", done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            end, out, err = "late", "", ""
        count = self.made()
        self.arm(0, 0)
        happened = number and count >= number
        return {"calls": str(count), "failed": "an allocation" if happened else "-1", "of": "tobichid", "end": end,
                "crashed": "none"}, out, err


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    return calls.in_work_folder(lambda work: Allocations(build, work),
                                lambda torture: torture.run(["ENOMEM"], arguments.first, arguments.every, "allocations"))


if __name__ == "__main__":
    sys.exit(main())
