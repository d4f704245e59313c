"""Around the launch: an image that changes under the launcher's hands, and what is put into
a program's environment and arguments. And the terminal that a program shares."""
import os
import pty
import shutil
import signal
import subprocess

from pairs import Outcome, parse
from world import PATIENCE, become, read

LAUNCHES, MOST_TRIES = 20, 2000
GOOD, EVIL = b"good-word-of-the-publisher", b"evil-word-of-an-attacker.."


class Flipper:
    """Changes a file to and fro as fast as it can: its bytes in place, or the whole file."""

    def __init__(self, swap):
        self.pid = os.fork()
        if self.pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            while True:
                swap()

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)


def in_place(path):
    with open(path, "rb") as file:
        at = file.read().index(GOOD)
    fd = os.open(path, os.O_WRONLY)

    def swap():
        os.pwrite(fd, EVIL, at)
        os.pwrite(fd, GOOD, at)
    return swap


def by_rename(path, good, evil):
    def swap():
        for one in (evil, good):
            os.link(one, path + ".new")
            os.rename(path + ".new", path)
    return swap


def measured_then_used(world, swap, path):
    """A launcher without a private copy: it measures a file, and then it uses the file."""
    hash_of_good = subprocess.run(["sha384sum"], input=GOOD, capture_output=True).stdout.split()[0].decode()
    flipper = Flipper(swap)
    try:
        for tries in range(1, MOST_TRIES + 1):
            done = subprocess.run(["sh", "-c", f'echo "{hash_of_good}  {path}" | sha384sum -c --quiet '
                                   f"2>/dev/null >&2 && exec {world.attack} read {path}"],
                                  capture_output=True, text=True)
            if "evil" in done.stdout:
                return Outcome("worked", f"'evil' was used after 'good' was measured, at try {tries}")
    finally:
        flipper.end()
    return Outcome("absent", f"the race was not won in {MOST_TRIES} tries")


def plain_file(world, name, word):
    path = f"{world.folder(0)}/{name}"
    with open(path, "wb") as file:
        file.write(word)
    return path


def swapped_image(world, pairs):
    """Never is evil run as what was measured good."""
    path = plain_file(world, "word", GOOD)
    plain = measured_then_used(world, in_place(path), path)
    image = world.image("word", program=("/bin/attack", "read", "/etc/word"),
                        files=[("/etc/word", GOOD.decode())])
    good = world.home + "/good.tobi"
    shutil.copy(image, good)
    found = {"good": 0, "refused": 0, "evil": 0}
    flipper = Flipper(in_place(image))
    try:
        for _ in range(LAUNCHES):
            done = world.tobichi("run", "word.tobi")
            found["evil" if "evil" in done.stdout else "good" if "good" in done.stdout else "refused"] += 1
    finally:
        flipper.end()
    told = f"{LAUNCHES} launches: {found['good']} ran good, {found['refused']} were refused"
    pairs.pair("image written while it is launched", plain,
               Outcome("worked", str(found)) if found["evil"] else Outcome("refused", told))

    evil_word, good_word = plain_file(world, "evil", EVIL), plain_file(world, "good", GOOD)
    path = os.path.dirname(good_word) + "/word"
    shutil.copy(good_word, path)
    shutil.copy(evil_word, os.path.dirname(good_word) + "/evil")
    plain = measured_then_used(world, by_rename(path, good_word, os.path.dirname(good_word) + "/evil"), path)
    path = f"{world.home}/swapped.tobi"
    good, evil = (world.image(name, program=("/bin/attack", "read-and-stay", "/etc/word"),
                              files=[("/etc/word", word.decode())])
                  for name, word in (("good2", GOOD), ("evil2", EVIL)))
    shutil.copy(good, path)
    os.chown(path, world.owner, world.owner)
    for one in (good, evil):
        os.chown(one, world.owner, world.owner)
    told = {}
    for name in ("good2", "evil2"):
        enclave = world.detach(name)
        told[enclave.row()["image-id"]] = "evil" in enclave.line("worked")
        enclave.stop()
    wrong = 0
    flipper = Flipper(by_rename(path, good, evil))
    try:
        for _ in range(LAUNCHES):
            enclave = world.detach("swapped")
            wrong += told[enclave.row()["image-id"]] != ("evil" in enclave.line("worked"))
            enclave.stop()
    finally:
        flipper.end()
    pairs.pair("image swapped by rename", plain,
               Outcome("worked", f"{wrong} launches ran another than they say") if wrong else
               Outcome("refused", f"{LAUNCHES} launches: each ran what its image id says"))


def environment(world, pairs):
    name, word = "ATTACK_WORD", "of-the-host"
    world.image("variable", program=("/bin/attack", "variable", name))
    plain = run_plain(world, {name: word}, "variable", name)
    done = world.tobichi("run", "variable.tobi", env={name: word})
    pairs.pair("variable of the caller", plain, parse(done.stdout))
    # The service was started with this one.
    world.image("service", program=("/bin/attack", "variable", "TOBICHI_HOST_VARIABLE"))
    plain = run_plain(world, {"TOBICHI_HOST_VARIABLE": word}, "variable", "TOBICHI_HOST_VARIABLE")
    pairs.pair("variable of the service", plain, parse(world.tobichi("run", "service.tobi").stdout))

    plain = run_plain(world, {"PATH": "/evil"}, "variable", "PATH", "/evil")
    done = world.tobichi("run", "--env", "PATH=/evil", "variable.tobi")
    pairs.pair("variable of the image changed by a launch", plain, error_of(done))
    added = {name: word}
    plain = run_plain(world, added, "variable", name)
    pairs.pair("variable added by a launch, unseen", plain, verified(world, "--env", f"{name}={word}"))
    plain = run_plain(world, {}, "argument", "more")
    pairs.pair("argument added by a launch, unseen", plain, verified(world, "--arg", "more"))
    world.image("argument", program=("/bin/attack", "argument"))
    pairs.pair("argument of the caller", plain, error_of(world.tobichi("run", "argument.tobi", "more")))
    preload(world, pairs)


def preload(world, pairs):
    library = f"{world.work}/preload.so"
    shutil.copy(f"{world.build}/tests/attack/libpreload.so", library)
    os.chmod(library, 0o755)
    done = subprocess.run(["/bin/cat", "/dev/null"], env={"LD_PRELOAD": library}, capture_output=True, text=True)
    world.tobichi("build", "--quiet", "--tier", "soft", "--add", f"{library}:/preload.so", "-o", "cat.tobi",
                  "--", "/bin/cat", "/dev/null")
    # Even where the library is: the caller's variable does not reach the program.
    inside = subprocess.run([*become(world.owner), "env", "LD_PRELOAD=/preload.so",
                             "ASAN_OPTIONS=verify_asan_link_order=0",  # it wants to be the first
                             f"{world.build}/cli/tobichi", "run", "cat.tobi"], cwd=world.home,
                            env=world.environment, capture_output=True, text=True)
    good = Outcome("refused", "the program runs without it") if inside.returncode == 0 and not inside.stdout \
        else Outcome("worked" if "code of its own" in inside.stdout else "broken", str(inside))
    pairs.pair("library preloaded", parse(done.stdout), good)


def run_plain(world, variables, *words):
    done = subprocess.run([world.attack, *words], env=variables, capture_output=True, text=True)
    return parse(done.stdout)


def error_of(done):
    return Outcome("refused", done.stderr.strip().splitlines()[-1]) if done.returncode == 2 and done.stderr \
        else Outcome("worked" if done.returncode == 0 else "broken", str(done))


def verified(world, *addition):
    """The ready policy names a launch without additions: does it see this one?"""
    world.image("added", program=("/bin/attack", "neighbour-make"))
    enclave = world.detach("added", *addition)
    nonce = os.urandom(16).hex()
    world.tobichi("attest", enclave.id, "--nonce", nonce, "-o", "added.evidence")
    done = world.tobichi("verify", "added.evidence", "--policy", "added.policy.yaml", f"--nonce={nonce}")
    enclave.stop()
    failed = [line.split()[1] for line in (done.stdout + done.stderr).splitlines() if line.startswith("FAIL")]
    if done.returncode == 1 and any("CONFIG" in code for code in failed):
        return Outcome("refused", "the policy's check " + ", ".join(failed))
    return Outcome("worked" if done.returncode == 0 else "broken", done.stdout + done.stderr)


def typed_for_user(world, command):
    """Runs it with a terminal as its input; what came of it, and what the terminal then has."""
    master, slave = pty.openpty()
    import fcntl
    import termios

    def take_terminal():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    done = subprocess.run(command, stdin=slave, capture_output=True, text=True, timeout=PATIENCE,
                          cwd=world.home, env=world.environment, preexec_fn=take_terminal)
    os.close(slave)
    os.close(master)
    return parse(done.stdout) if "\t" in done.stdout else Outcome("broken", str(done))


def terminal(world, pairs):
    if read("/proc/sys/dev/tty/legacy_tiocsti").strip() == "0":
        pairs.skip("inside terminal-input", "the kernel has TIOCSTI switched off")
        return
    world.image("types", program=("/bin/attack", "tiocsti"))
    pairs.pair("inside terminal-input", typed_for_user(world, [world.attack, "tiocsti"]),
               typed_for_user(world, [*become(world.owner), f"{world.build}/cli/tobichi", "run", "types.tobi"]))


def run(world, pairs):
    swapped_image(world, pairs)
    environment(world, pairs)
    terminal(world, pairs)
