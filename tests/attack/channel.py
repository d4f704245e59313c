"""The service's channel: what an agent that was taken over asks of it, and others who
would play a part in it."""
import hashlib
import hmac
import os
import socket
import subprocess
import sys
import threading

from inside import ON_FILES, ON_KERNEL, ON_NAMESPACES, ON_SOCKETS, compare, outcomes
from pairs import Outcome, parse
from world import ATTACKER, PATIENCE, World, become, eventually, read

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)) + "/../e2e")
from cbor import dec, enc  # noqa: E402

READY, REPORT, TOKEN, KEY, KEY_REPLY, EVIDENCE, COUNTER, COUNTER_REPLY = 2, 4, 5, 6, 7, 9, 14, 15


class Believer:
    """A service without a wall: it takes the name in the question for the asker's, keeps
    what descriptors it gets, and answers whether anybody listens or not."""

    def __init__(self):
        self.mine, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.kept, self.waiting = [], 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def answer(self, message):
        if message[0] == REPORT:
            return {0: TOKEN, 1: b"signed for " + message.get(2, b"somebody")}
        if message[0] == KEY:
            return {0: KEY_REPLY, 1: hmac.new(b"root", message[2], hashlib.sha256).digest()}
        if message[0] == COUNTER:
            return {0: COUNTER_REPLY, 1: 1, 2: False}
        return {0: EVIDENCE, 1: 1, 2: b"passed on"}

    def serve(self):
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.mine, 1 << 20, 253)
            except ConnectionResetError:  # it has gone with answers unread
                return
            if not data:
                return
            self.kept += fds
            self.waiting += 1
            try:
                self.mine.send(enc(self.answer(dec(data)[0])), socket.MSG_DONTWAIT)
            except OSError:
                pass

    def attacked_by(self, seat, *words):
        done = subprocess.run([seat, *words], stdout=subprocess.PIPE, text=True, timeout=PATIENCE,
                              preexec_fn=lambda: os.dup2(self.theirs.fileno(), 3), pass_fds=[3])
        self.theirs.close()
        self.thread.join(PATIENCE)
        self.mine.close()
        for fd in self.kept:
            os.close(fd)
        return parse(done.stdout)


def signer_id(public):
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"],
                         capture_output=True, check=True).stdout
    return hashlib.sha384(der).hexdigest()


def from_seat(world, name, *words, options=(), files=()):
    """What the attack says, or why the service has ended it before it could."""
    world.image(name, *options, program=("/bin/attack", *words), files=files)
    done = world.tobichi("run", f"{name}.tobi")
    if "\t" in done.stdout:
        return done, parse(done.stdout)
    why = [line for line in done.stderr.splitlines() if not line.startswith(("warning", "this host"))]
    return done, Outcome("refused", why[-1]) if done.returncode and why else Outcome("broken", str(done))


def descriptors(world):
    return len(os.listdir(f"/proc/{world.service.pid}/fd"))


def agents_seat(build, owner, pairs, secret, host, plain):
    """A service of its own, which starts the attack in the agent's place."""
    world = World(build, owner)
    seat = f"{world.work}/seat"
    subprocess.run(["install", "-m", "755", f"{world.build}/tests/attack/seat", seat], check=True)
    try:
        world.start(secret, agent=seat)
        for name in ("mine", "theirs"):
            world.tobichi("keygen", "-o", name)
        mine, theirs = (signer_id(f"{world.home}/{name}.pub") for name in ("mine", "theirs"))
        signed = ("--key", "mine.key", "--svn", "3")
        other = hashlib.sha384(b"another image").hexdigest()
        asked = [
            ("a report in another enclave's name", ("report", other[:32])),
            ("the key of another image", ("key-image", other)),
            ("the key of another signer", ("key-signer", theirs)),
            ("the key of a newer version", ("key-signer", mine, "4")),
            ("the counter of another signer", ("counter", theirs)),
            ("the words of the service", ("token", "00" * 32)),
            ("evidence that nobody asked for", ("evidence", "00" * 32)),
        ]
        for number, (name, words) in enumerate(asked):
            _, walled = from_seat(world, f"ask{number}", *words, options=signed)
            pairs.pair(f"agent's seat: {name}", Believer().attacked_by(seat, *words), walled)
        # To show that it asks well: what is its own, it gets.
        for name, words in (("own report", ("report",)), ("own key", ("key-image",)),
                            ("own older key", ("key-signer", mine, "2")), ("own counter", ("counter", mine))):
            _, got = from_seat(world, name.replace(" ", "-"), *words, options=signed)
            if got.kind != "worked":
                # Then what is refused above is not refused for its name.
                pairs.fail(f"agent's seat: {name}", f"it should have got it: {got.text}")
        believer = Believer()
        unprotected = believer.attacked_by(seat, "descriptors")
        before = descriptors(world)
        _, walled = from_seat(world, "fds", "descriptors")
        after = eventually(lambda: descriptors(world) <= before and descriptors(world), PATIENCE)
        if walled.kind == "worked" and after <= before:
            walled = Outcome("refused", f"the service closes them: {before} before, {after} after")
        pairs.pair("agent's seat: descriptors for the service", unprotected, walled)
        unprotected = Believer().attacked_by(seat, "flood-service")
        done, walled = from_seat(world, "flood", "flood-service")
        pairs.pair("agent's seat: questions without end", unprotected, walled)
        seated(world, pairs, host, plain)
    finally:
        world.end()


def seated(world, pairs, host, plain):
    """All that a program tries, with the agent's rights after it has confined itself."""
    plan = ON_KERNEL + ON_FILES + ON_NAMESPACES + ON_SOCKETS
    world.image("seat", program=("/bin/attack", "batch", "/etc/plan"),
                files=[("/etc/plan", host.fill(plan))])
    done = world.tobichi("run", "seat.tobi")
    compare(pairs, "agent's seat: ", plan, plain, outcomes(done.stdout))


SQUAT = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
os.umask(0)
listener.bind(sys.argv[1] + "/service.sock")
listener.listen()
print("ready", flush=True)
while True:
    peer, _ = listener.accept()
    print("heard", len(peer.recv(1 << 20)), flush=True)
    try:
        peer.send(b"an answer")
    except OSError:
        pass
    peer.close()
"""


class Squatter:
    """Another user who waits where the service should be, and writes down what is said."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen([*become(ATTACKER), "/usr/bin/python3", "-c", SQUAT, folder],
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def heard(self):
        """What anybody has said. The last to connect was accepted when this is heard, so
        all before it were."""
        last = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        last.connect(self.folder + "/service.sock")
        last.send(b"the last word")
        lines = []
        while "heard 13" not in lines:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError("the squatter has ended")
            lines.append(line.strip())
        return [line for line in lines if line not in ("heard 13", "heard 0")]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def forged_service(world, pairs):
    """The client says nothing to a socket that may be somebody else's."""
    plain_folder = world.folder(ATTACKER)
    os.chmod(plain_folder, 0o755)
    squatter = Squatter(plain_folder)
    plain = world.try_as(world.owner, "connect-packets", plain_folder + "/service.sock")
    if not squatter.heard():
        plain = Outcome("broken", "nothing was heard")
    squatter.end()
    for name, shape, why in (
            ("another user's folder", "theirs", "must be a folder of yours"),
            ("a folder that others can enter", "open", "must be a folder of yours"),
            ("a link", "link", "must be a folder of yours"),
            ("another user's socket in one's own folder", "own", "another user listens")):
        # What an ordinary user's client looks for is one level deeper.
        top = world.folder(world.owner)
        os.chmod(top, 0o755)
        folder = top + "/tobichi"
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        squatter = Squatter(folder)
        os.chown(folder, *[ATTACKER if shape == "theirs" else world.owner] * 2)
        os.chmod(folder, 0o777 if shape == "open" else 0o700)
        if shape == "link":
            os.rename(folder, top + "/behind")
            os.symlink(top + "/behind", folder)
        variables = {"XDG_RUNTIME_DIR": top} if world.owner else {"TOBICHI_RUN_FOLDER": folder}
        for command in (("ps",), ("run", "--", "/bin/busybox", "true")):
            done = world.tobichi(*command, env=variables)
            said = Outcome("refused", done.stderr.strip()) if done.returncode == 2 and why in done.stderr \
                else Outcome("broken", str(done))
            heard = squatter.heard()
            pairs.pair(f"forged service, {name}: {command[0]}", plain,
                       Outcome("worked", str(heard)) if heard else said)
        squatter.end()


def forged_agent(world, pairs):
    """Not even the owner, who may command the service, gets a report from it."""
    folder = world.folder(world.owner)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(folder + "/service.sock")
    listener.listen()
    os.chown(folder + "/service.sock", world.owner, world.owner)

    def believe():
        peer, _ = listener.accept()
        message = dec(peer.recv(1 << 20))[0]
        peer.send(enc({0: TOKEN, 1: b"signed for " + message[1]}))
        peer.close()
    thread = threading.Thread(target=believe, daemon=True)
    thread.start()
    plain = world.try_as(world.owner, "connect-as-agent", folder + "/service.sock")
    thread.join(PATIENCE)
    listener.close()
    pairs.pair("forged agent, on the control socket", plain,
               world.try_as(world.owner, "connect-as-agent", world.run_folder + "/service.sock"))


def run(build, world, pairs, secret, host, plain):
    forged_service(world, pairs)
    forged_agent(world, pairs)
    agents_seat(build, world.owner, pairs, secret, host, plain)
    if "event=failed" in read(f"{world.home}/service.log"):
        pairs.fail("service", "it has failed")
