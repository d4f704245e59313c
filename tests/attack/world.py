"""The host of the attacks: users, a platform service of its own, enclaves, victims."""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from pairs import Outcome, parse

PATIENCE = 60
OWNER, ATTACKER = 65500, 65501  # the user who launches, where it is not root; another one
FOLDERS = ("bin", "etc", "proc", "dev", "tmp", "home", "run", "var")


def eventually(condition, seconds=PATIENCE):
    """Its first true value; waiting has an end, on which no test depends."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.05)


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def become(user):
    """The prefix of a command that another user runs."""
    if user == os.geteuid():
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]


class Enclave:
    def __init__(self, world, name, ident):
        self.world, self.name, self.id = world, name, ident

    def log(self):
        return self.world.tobichi("logs", self.id).stdout

    def line(self, start):
        """The first line of its log that starts so, when it is there."""
        return eventually(lambda: next((one for one in self.log().splitlines()
                                        if one.startswith(start)), None))

    def row(self):
        rows = json.loads(self.world.tobichi("ps", "--json").stdout)
        return next((row for row in rows["enclaves"] if row["id"] == self.id), None) \
            if isinstance(rows, dict) else next((row for row in rows if row["id"] == self.id), None)

    def agent(self):
        """Its process id on the host."""
        return self.row()["pid"]

    def program(self):
        pid = self.agent()
        return int(eventually(lambda: read(f"/proc/{pid}/task/{pid}/children")).split()[0])

    def runs(self):
        return self.row() is not None

    def stop(self):
        return self.world.tobichi("stop", "--grace", "0", self.id)


class Victim:
    """The same program without a wall."""

    def __init__(self, world, user):
        self.folder = world.folder(user)
        self.process = subprocess.Popen([*become(user), world.attack, "victim", self.folder],
                                        cwd=self.folder, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=allow_dumps, env={"PATH": "/usr/bin:/bin"})
        _, self.address, self.secret = self.process.stdout.readline().split()
        self.pid = self.process.pid
        self.address = "0x" + self.address

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def allow_dumps():
    import resource
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


class World:
    def __init__(self, build, owner):
        self.build, self.owner = os.path.abspath(build), owner
        self.work = tempfile.mkdtemp(prefix="tobichi-attack-")
        os.chmod(self.work, 0o755)
        self.attack = f"{self.work}/attack"
        shutil.copy(f"{self.build}/tests/attack/attack", self.attack)
        self.count = 0
        self.home = self.folder(owner)
        self.state = self.home + "/state"
        self.run_folder = self.home + "/run"
        self.environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": self.home,
                            "TOBICHI_RUN_FOLDER": self.run_folder,
                            "TOBICHI_STATE_FOLDER": self.state,
                            "XDG_RUNTIME_DIR": self.home, "XDG_DATA_HOME": self.state}
        if owner:
            self.run_folder, self.state = self.home + "/tobichi", self.state + "/tobichi"
        self.service = None
        self.closing = []

    def folder(self, user):
        """A new one, which only that user can enter."""
        self.count += 1
        path = f"{self.work}/{self.count}"
        os.mkdir(path, 0o700)
        os.chown(path, user, user)
        return path

    def tobichi(self, *arguments, **more):
        """What the owner does."""
        prefix = more.pop("prefix", [])
        environment = {**self.environment, **more.pop("env", {})}
        return subprocess.run([*become(self.owner), *prefix, f"{self.build}/cli/tobichi", *arguments],
                              capture_output=True, text=True, timeout=180, cwd=self.home,
                              env=environment, errors="replace", stdin=subprocess.DEVNULL, **more)

    def start(self, secret, agent=None):
        """The service, with a secret in its session's keyring."""
        folders = [self.run_folder, self.state]
        self.tobichi("platform", "init")
        self.service = subprocess.Popen(
            [*become(self.owner), self.attack, "keyring-hold", secret,
             f"{self.build}/daemons/platform/tobichid", "--run-folder", folders[0],
             "--state-folder", folders[1],
             "--agent", agent or f"{self.build}/daemons/agent/tobichi-agent"],
            cwd=self.home, stderr=open(f"{self.home}/service.log", "w"), stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, env={**self.environment, "TOBICHI_HOST_VARIABLE": secret})
        eventually(lambda: "event=ready" in read(f"{self.home}/service.log") or
                   self.service.poll() is not None)
        if self.service.poll() is not None:
            raise RuntimeError(read(f"{self.home}/service.log"))

    def stop(self):
        if self.service:
            self.service.terminate()
            self.service.wait(PATIENCE)
            self.service = None

    def end(self):
        self.stop()
        for one in self.closing:
            one.end()
        shutil.rmtree(self.work, ignore_errors=True)

    def image(self, name, *options, program=("/bin/attack",), files=()):
        """An image whose only program is the attacks'."""
        root = self.folder(self.owner)
        for one in FOLDERS:
            os.mkdir(f"{root}/{one}", 0o755)
        shutil.copy(self.attack, f"{root}/bin/attack")
        shutil.copy(self.attack, f"{root}/bin/suid")
        os.chmod(f"{root}/bin/suid", 0o4755)
        for path, text in files:
            with open(root + path, "w") as file:
                file.write(text)
        for folder, names, others in os.walk(root):
            for one in names + others:
                os.chown(f"{folder}/{one}", self.owner, self.owner)
        os.chmod(f"{root}/bin/suid", 0o4755)
        done = self.tobichi("build", "--quiet", "--tier", "soft", "-o", f"{name}.tobi", "--root", root,
                            *options, "--", *program)
        if done.returncode:
            raise RuntimeError(done.stderr)
        shutil.rmtree(root)
        return f"{self.home}/{name}.tobi"

    def detach(self, name, *options):
        done = self.tobichi("run", "--detach", *options, f"{name}.tobi")
        if done.returncode:
            raise RuntimeError(done.stderr + read(f"{self.home}/service.log"))
        return Enclave(self, name, done.stdout.split()[0])

    def victim(self, user):
        one = Victim(self, user)
        self.closing.append(one)
        return one

    def try_as(self, user, *arguments, **more):
        """One attack, by a user of the host."""
        done = subprocess.run([*become(user), self.attack, *map(str, arguments)], text=True,
                              capture_output=True, timeout=PATIENCE, cwd=self.work, errors="replace",
                              env={"PATH": "/usr/bin:/bin"}, **more)
        return parse(done.stdout) if done.stdout else Outcome("broken", done.stderr)


class Answerer:
    """Something of the host that answers whoever comes."""

    def __init__(self, family, kind, address):
        self.socket = socket.socket(family, kind)
        self.socket.bind(address)
        self.socket.listen(64)
        self.pid = os.fork()
        if self.pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            while True:
                peer, _ = self.socket.accept()
                try:
                    peer.sendall(b"of the host")
                    peer.recv(64)
                except OSError:
                    pass
                peer.close()

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        self.socket.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def groups(ident):
    """The control groups of an enclave."""
    return [path for kind in ("*", "") for path in
            glob.glob(f"/sys/fs/cgroup/{kind}/**/tobichi-{ident}", recursive=True)]
