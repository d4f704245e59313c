"""From outside: what other users of the host, and other enclaves, try on an enclave."""
import os
import shutil
import subprocess

from inside import outcomes
from pairs import Outcome
from world import ATTACKER, World, free_port, read

ON_PROCESS = """\
ptrace ptrace {pid} {address}
vm-read vm-read {pid} {address}
vm-write vm-write {pid} {address}
proc-mem proc-mem {pid} {address}
perf perf {pid}
kcmp kcmp {pid}
descriptor take-fd {pid} 3
channel-ask ask {pid} 3
environ proc-read {pid} environ
maps proc-read {pid} maps
auxv proc-read {pid} auxv
fd-list proc-read {pid} fd
root proc-read {pid} root
cwd proc-read {pid} cwd
dump-filter proc-write {pid} coredump_filter
oom-score oom {pid}
limits limits {pid}
priority priority {pid}
"""
# These end what they attack.
LAST = """\
signal-kill signal {pid} 9
core-dump core {pid} {folder}
"""


def commands(plan, **values):
    for line in plan.splitlines():
        label, *words = line.split()
        yield label, [word.format(**values) for word in words]


def without_wall(world):
    """A process of the attacker's own user, which is all the wall that it has."""
    found, victim = {}, world.victim(ATTACKER)
    for label, words in commands(ON_PROCESS, pid=victim.pid, address=victim.address):
        found[label] = world.try_as(ATTACKER, *words)
    for label, words in commands(LAST, pid="{pid}", folder="{folder}"):
        victim = world.victim(ATTACKER)
        found[label] = world.try_as(ATTACKER, *[word.format(pid=victim.pid, folder=victim.folder)
                                                for word in words])
    return found


def attack(world, user, pid, address, folder):
    return {label: world.try_as(user, *words)
            for label, words in commands(ON_PROCESS + LAST, pid=pid, address=address, folder=folder)}


class Target:
    """An enclave with a secret in its program's memory, and one in its file."""

    def __init__(self, world):
        self.world, self.port = world, free_port()
        world.image("victim", "--port", "8080", "--secret", "token",
                    program=("/bin/attack", "victim", "/tmp"))
        self.enclave = world.detach("victim", "--publish", f"{self.port}:8080")
        token = f"{world.home}/token"
        with open(token, "w") as file:
            file.write("of-the-owner")
        os.chown(token, world.owner, world.owner)
        os.chmod(token, 0o600)
        done = world.tobichi("send", f"127.0.0.1:{self.port}", "--policy", "victim.policy.yaml",
                             f"token={token}")
        if done.returncode:
            raise RuntimeError(done.stderr)
        _, address, self.secret = self.enclave.line("victim ").split()
        self.address = "0x" + address
        self.agent, self.program = self.enclave.agent(), self.enclave.program()


def another_user(world, pairs, target, plain):
    for who, pid, address in (("program", target.program, target.address),
                              ("agent", target.agent, "0x400000"),
                              ("service", world.service.pid, "0x400000")):
        walled = attack(world, ATTACKER, pid, address, f"/proc/{pid}/cwd")
        for label, outcome in walled.items():
            pairs.pair(f"another user, {who}: {label}", plain[label], outcome)


def same_user(world, pairs, target):
    """An ordinary user's own processes are not kept out, and THREAT-MODEL says so."""
    for label, words in commands(ON_PROCESS, pid=target.program, address=target.address):
        pairs.not_claimed(f"the same user, program: {label}", world.try_as(world.owner, *words))
    for label, words in commands("ptrace ptrace {pid}\nvm-read vm-read {pid}\n", pid=target.agent):
        pairs.not_claimed(f"the same user, agent: {label}", world.try_as(world.owner, *words))


def another_enclave(world, pairs, target, plain, whose="another enclave"):
    """By the numbers that the host has for them."""
    plan = "".join(f"{who}/{label} {' '.join(words)}\n"
                   for who, pid, address in (("program", target.program, target.address),
                                             ("agent", target.agent, "0x400000"))
                   for label, words in commands(ON_PROCESS + LAST, pid=pid, address=address, folder="/tmp"))
    world.image("other", program=("/bin/attack", "batch", "/etc/plan", "1"), files=[("/etc/plan", plan)])
    found = outcomes(world.tobichi("run", "other.tobi").stdout)
    for line in plan.splitlines():
        name = line.split()[0]
        who, label = name.split("/")
        pairs.pair(f"{whose}, {who}: {label}", plain[label],
                   found.get(name, Outcome("broken", "it said nothing")))


def enclave_of_another(world, pairs, target, plain, secret):
    """The attacker launches one too, with a service of its own."""
    theirs = World(world.build, ATTACKER)
    try:
        theirs.start(secret)
        another_enclave(theirs, pairs, target, plain, "another user's enclave")
    except RuntimeError as error:
        pairs.skip("another user's enclave", str(error).strip())
    finally:
        theirs.end()


def files(world, pairs, target):
    """The same file in a folder of the attacker's own user: what a plain program has."""
    folder = world.folder(ATTACKER)
    open_file = f"{folder}/secret"
    with open(open_file, "w") as file:
        file.write("of-a-plain-program")
    os.chown(open_file, ATTACKER, ATTACKER)
    plain = world.try_as(ATTACKER, "read", open_file)
    writable = world.try_as(ATTACKER, "write", open_file)
    listed = world.try_as(ATTACKER, "read", folder)
    victim = world.victim(ATTACKER)
    fds = world.try_as(ATTACKER, "proc-read", victim.pid, "fd")
    # From the program's side its secret is /run/secrets/token; so is it by /proc.
    inside = f"/proc/{target.program}/root"
    for name, path in (("secret in /run/secrets", f"{inside}/run/secrets/token"),
                       ("the program's file", f"{inside}/tmp/secret"),
                       ("the platform's key", f"{world.state}/platform.key"),
                       ("the seal root", f"{world.state}/seal-root"),
                       ("the image's file", f"{world.home}/victim.tobi"),
                       ("the service's log", f"{world.home}/service.log")):
        if not os.path.exists(path):
            pairs.fail(name, f"there is no {path}")
        pairs.pair(f"another user, {name}: read", plain, world.try_as(ATTACKER, "read", path))
        if "secret" not in name:
            pairs.pair(f"another user, {name}: write", writable, world.try_as(ATTACKER, "write", path))
    for name, path in (("run folder", world.run_folder), ("state folder", world.state)):
        pairs.pair(f"another user, {name}: list", listed, world.try_as(ATTACKER, "read", path))
    for name, pid in (("the image's sealed copy", world.service.pid),
                      ("the program's log", target.agent)):
        pairs.pair(f"another user, {name}: descriptors", fds,
                   world.try_as(ATTACKER, "proc-read", pid, "fd"))


def sockets(world, pairs, target):
    """The control socket, with its folder shut and with it open."""
    import socket
    from world import Answerer
    folder = world.folder(ATTACKER)
    path = f"{folder}/service.sock"
    answerer = Answerer(socket.AF_UNIX, socket.SOCK_SEQPACKET, path)
    os.chown(path, ATTACKER, ATTACKER)
    world.closing.append(answerer)
    plain = world.try_as(ATTACKER, "connect-packets", path)
    agents = f"/proc/{target.program}/root/run/tobichi/agent.sock"
    if not os.path.exists(agents):
        pairs.fail("agent's socket", f"there is no {agents}")
    pairs.pair("another user, agent's socket", plain, world.try_as(ATTACKER, "connect-packets", agents))
    # Even whoever can enter the enclave's files is no process of it.
    pairs.pair("root, agent's socket", plain, world.try_as(0, "connect-packets", agents))
    control = f"{world.run_folder}/service.sock"
    pairs.pair("another user, control socket", plain, world.try_as(ATTACKER, "connect-packets", control))
    parents = {path: os.stat(path).st_mode for path in (control, world.run_folder, world.home)}
    for path, mode in parents.items():
        os.chmod(path, mode | 0o777)
    pairs.pair("another user, control socket in an open folder", plain,
               world.try_as(ATTACKER, "connect-packets", control))
    for path, mode in parents.items():
        os.chmod(path, mode)


def still_there(world, pairs, target):
    """After all that, the victim has its secret, and its log and port are the owner's."""
    log = target.enclave.log()
    if f"victim {target.address[2:]} {target.secret}" not in log or not target.enclave.runs():
        pairs.fail("victim", "it did not live through the attacks")
    status = read(f"/proc/{target.program}/status")
    if "State:\tT" in status:
        pairs.fail("victim", "it was stopped")


NEIGHBOUR = """\
file neighbour-file /tmp/tobichi-neighbour
shared-file neighbour-file /dev/shm/tobichi-neighbour
abstract-socket neighbour-socket
port neighbour-port
shared-memory neighbour-memory
semaphore neighbour-semaphore
message-queue neighbour-messages
posix-queue neighbour-queue
"""
# The host sees that an enclave has processes, and the names of these.
PROCESS = "process neighbour-process\n"


def neighbours(world, pairs):
    """One makes a thing of each kind; another process finds them, another enclave does not,
    and nor does the host."""
    maker = subprocess.Popen([world.attack, "neighbour-make"], stdout=subprocess.PIPE, text=True)
    if "made" not in maker.stdout.readline():
        raise RuntimeError("there is a neighbour already")
    try:
        plain = {label: world.try_as(0, *words) for label, words in commands(NEIGHBOUR + PROCESS)}
    finally:
        maker.kill()
        maker.wait()
        maker.stdout.close()
        world.try_as(0, "neighbour-clear")
    world.image("make", program=("/bin/attack", "neighbour-make"))
    world.image("look", program=("/bin/attack", "batch", "/etc/plan", "1"),
                files=[("/etc/plan", NEIGHBOUR + PROCESS)])
    enclave = world.detach("make")
    enclave.line("worked")
    found = outcomes(world.tobichi("run", "look.tobi").stdout)
    for label in plain:
        pairs.pair(f"another enclave, {label} of a neighbour", plain[label],
                   found.get(label, Outcome("broken", "it said nothing")))
    for label, words in commands(NEIGHBOUR):
        pairs.pair(f"the host, {label} of an enclave", plain[label], world.try_as(0, *words))
    enclave.stop()


def run(world, pairs, secret):
    plain, target = without_wall(world), Target(world)
    another_user(world, pairs, target, plain)
    another_enclave(world, pairs, target, plain)
    enclave_of_another(world, pairs, target, plain, secret)
    files(world, pairs, target)
    sockets(world, pairs, target)
    if world.owner:
        same_user(world, pairs, target)
    still_there(world, pairs, target)
    neighbours(world, pairs)
    return target
