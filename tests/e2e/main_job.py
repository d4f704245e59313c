#!/usr/bin/python3
"""The main example (`make run`): it succeeds, it looks right with and without a terminal,
and nothing is left of it: after its end, a failure, a closed pipe, Ctrl-C at each step.

Usage: main_job.py BUILD_FOLDER SOURCE_FOLDER
"""
import glob
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD, SOURCE = map(os.path.abspath, sys.argv[1:3])
failed = 0
tmp = ""


def check(name, good, detail=""):
    global failed
    print(f"ok: {name}" if good else f"FAILED: {name} {detail}", flush=True)
    failed += not good


def enclaves():
    return {os.path.basename(path) for path in glob.glob(f"{tmp}/*/run/enclaves/*")}


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def processes():
    """Those that know our folder."""
    own = tmp.encode()
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid() and
            (own in read(f"/proc/{pid}/environ") or own in read(f"/proc/{pid}/cmdline"))]


def nothing_left(name, ids):
    check(f"{name}: no file is left", not os.listdir(tmp), os.listdir(tmp))
    check(f"{name}: no process is left", not processes(), processes())
    groups = [path for path, folders, _ in os.walk("/sys/fs/cgroup")
              if os.path.basename(path).replace("tobichi-", "") in ids]
    check(f"{name}: no control group is left", not groups, groups)
    check(f"{name}: no mount is left", tmp.encode() not in read("/proc/self/mounts"))
    loops = [path for path in glob.glob("/sys/block/loop*/loop/backing_file")
             if tmp.encode() in read(path)]
    check(f"{name}: no loop device is left", not loops, loops)


def environment(**more):
    return {**os.environ, "TMPDIR": tmp, **more}


def command(build=BUILD):
    return ["sh", f"{SOURCE}/scripts/main-job.sh", build]


def to_the_end():
    done = subprocess.run(command(), env=environment(), capture_output=True, text=True, timeout=120)
    text = done.stdout
    check("it succeeds", done.returncode == 0, text + done.stderr)
    check("it says nothing on standard error", done.stderr == "", done.stderr)
    for words in ("ok    SOFT-SIGNATURE", "put shop/redis/redis.conf", "NOAUTH", "SET: ", "GET: ",
                  "6. Refused", "7. Refused", "failed     POLICY-IMAGE", "8. Refused", "9. Refused",
                  "failed: ATLS-KEY, ATLS-BINDER"):
        check(f"it shows '{words}'", words in text)
    check("exactly four refusals", text.count("Refused") == 4)
    check("no ANSI codes without a terminal", "\033" not in text)
    nothing_left("success", [line.strip() for line in text.splitlines()])


def with_a_failure():
    """A build folder without the relay: the last step cannot start."""
    part = tempfile.mkdtemp()
    os.symlink(f"{BUILD}/cli", f"{part}/cli")
    done = subprocess.run(command(part), env=environment(), capture_output=True, text=True, timeout=120)
    shutil.rmtree(part)
    check("a failure is an error", done.returncode == 1, done.returncode)
    check("it says so", "error: a part of the example did not start" in done.stderr, done.stderr)
    nothing_left("failure", [line.strip() for line in done.stdout.splitlines()])


def with_a_closed_pipe():
    child = subprocess.Popen(command(), env=environment(), stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    child.stdout.readline()
    child.stdout.readline()
    child.stdout.close()
    check("a closed pipe ends it", child.wait(120) != 0)
    nothing_left("closed pipe", [])


def press(after, color):
    """On a terminal, Ctrl-C when it has printed these words: how it ended, and enclaves."""
    pid, terminal = pty.fork()
    if pid == 0:
        more = {} if color else {"NO_COLOR": "1"}
        os.execvpe("sh", command(), environment(**more))
    text, ids, pressed = b"", set(), False
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        text += part
        if not pressed and after.encode() in text:
            ids |= enclaves()
            os.write(terminal, b"\x03")
            pressed = True
    else:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return pressed, status, text, ids


def interrupted(after, color):
    for _ in range(5):  # the last step may be over in 20 ms, before the key is pressed
        pressed, status, text, ids = press(after, color)
        if status != 0:
            break
    name = f"Ctrl-C after '{after}'"
    check(f"{name}: the status says so", pressed and status == 130, (pressed, status, text))
    check(f"{name}: colour {'on a terminal' if color else 'not with NO_COLOR'}",
          (b"\033[" in text) == color)
    nothing_left(name, ids)


def main():
    global tmp
    if os.geteuid() != 0 or not shutil.which("redis-server"):
        print("skipped: needs root to make enclaves with limits, and redis-server")
        sys.exit(77)
    tmp = tempfile.mkdtemp()
    to_the_end()
    with_a_failure()
    with_a_closed_pipe()
    for number, after in enumerate(["1. ", "$ tobichi owner", "$ tobichi run", "4. ", "5. ",
                                    "$ redis-benchmark", "6. ", "7. ", "9. ", "10. "]):
        interrupted(after, number % 2 == 0)
    shutil.rmtree(tmp)
    sys.exit(failed > 0)


main()
