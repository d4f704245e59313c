#!/usr/bin/python3
"""Every attack twice: against a process without a wall, where it works, and against an
enclave. One line for each pair. Usage: suite.py BUILD_FOLDER root|user
"""
import os
import secrets
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import channel  # noqa: E402
import hogs  # noqa: E402
import hostroot  # noqa: E402
import inside  # noqa: E402
import launch  # noqa: E402
import outside  # noqa: E402
from pairs import Pairs  # noqa: E402
from world import ATTACKER, OWNER, World, become  # noqa: E402


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def main(build, who):
    if os.geteuid() != 0:
        skip("needs root, to be several users")
    owner = OWNER if who == "user" else 0
    tool = os.path.abspath(f"{build}/cli/tobichi")
    if subprocess.run([*become(ATTACKER), "test", "-x", tool]).returncode:
        skip("the build folder is closed to other users")
    if owner and subprocess.run([*become(owner), "unshare", "-Ur", "true"]).returncode:
        skip("an ordinary user cannot make namespaces here")
    secret = secrets.token_hex(16)
    pairs, world = Pairs(), World(build, owner)
    try:
        world.start(secret)
        target = outside.run(world, pairs, secret)
        host, plain = inside.program(world, pairs, secret)
        channel.run(build, world, pairs, secret, host, plain)
        launch.run(world, pairs)
        hogs.run(world, pairs)
        hostroot.run(world, pairs, target)
    finally:
        world.end()
    return pairs.summary()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
