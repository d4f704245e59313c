"""From inside: what the program tries on its agent, on the kernel, on the host."""
import socket
import subprocess

from pairs import Outcome, parse
from world import Answerer, free_port

# Label, and the attack: the same line for both halves. {tmp} is a folder that can be
# written, {pid} the agent or, without a wall, a process that is no better protected.
ON_AGENT = """\
agent-vm-read vm-read {pid}
agent-vm-write vm-write {pid}
agent-proc-mem proc-mem {pid}
agent-ptrace ptrace {pid}
agent-perf perf {pid}
agent-madvise madvise {pid}
agent-kcmp kcmp {pid}
agent-descriptor take-fd {pid} 3
agent-channel-ask ask {pid} 3
agent-environ proc-read {pid} environ
agent-maps proc-read {pid} maps
agent-auxv proc-read {pid} auxv
agent-stack proc-read {pid} stack
agent-syscall proc-read {pid} syscall
agent-fd-list proc-read {pid} fd
agent-root proc-read {pid} root
agent-cwd proc-read {pid} cwd
agent-executable proc-read {pid} exe
agent-dump-filter proc-write {pid} coredump_filter
agent-oom-score oom {pid}
agent-limits limits {pid}
agent-priority priority {pid}
agent-setns-mount setns {pid} mnt
agent-setns-user setns {pid} user
agent-setns-pidfd setns-pidfd {pid}
agent-signal-stop signal {pid} 19
agent-signal-continue signal {pid} 18
agent-signal-term signal {pid} 15
agent-signal-kill signal {pid} 9
"""
ON_KERNEL = """\
io-uring io-uring
userfaultfd userfaultfd
bpf bpf
perf-own perf 0
kexec-load kexec
module-load module
personality personality
quotactl quotactl
swapoff swapoff
reboot reboot
set-clock clock
kernel-log syslog
fanotify fanotify
name-to-handle name-handle {tmp}
open-by-handle open-handle /
accounting acct
other-architecture int80
ports ports
keyring-session keyring
keyring-request request-key
keyring-add add-key
"""
ON_FILES = """\
mount mount {tmp}
mount-new-api fsmount
remount-root remount /
unmount-proc-sys umount /proc/sys
pivot-root pivot {tmp}
chroot-escape chroot {tmp}
device-make mknod {tmp}
disk-make mknod-disk {tmp}
device-kmsg device /dev/kmsg
device-loop device /dev/loop-control
device-kvm device /dev/kvm
device-fuse device /dev/fuse
device-mem device /dev/mem
setuid-program setuid {suid}
execute-written execute {tmp}
cgroup-release-agent release-agent {tmp}
write-program write {suid}
create-in-root create {root}/bin/attack-new
agents-folder create {agents}/attack-new
agents-socket-removed remove {agents}/agent.sock
agents-tool-changed write {agents}/tobichi
core-pattern write /proc/sys/kernel/core_pattern
modprobe-path write /proc/sys/kernel/modprobe
overcommit write /proc/sys/vm/overcommit_memory
panic-on-oom write /proc/sys/vm/panic_on_oom
scheduler write /proc/sys/kernel/sched_rt_runtime_us
pid-max write /proc/sys/kernel/pid_max
irq-affinity write /proc/irq/default_smp_affinity
sysrq write /proc/sysrq-trigger
uevent-helper write /sys/kernel/uevent_helper
sys-power write /sys/power/state
sys-block write /sys/block/loop0/queue/read_ahead_kb
cgroup-files read /sys/fs/cgroup
kernel-symbols read /proc/kallsyms
kernel-core read /proc/kcore
kernel-keys read /proc/keys
kernel-messages read /proc/kmsg
host-password read /etc/shadow
core-of-itself own-core {tmp}
"""
ON_NAMESPACES = "".join(f"unshare-{kind} unshare {kind}\nclone-{kind} clone {kind}\nclone3-{kind} clone3 {kind}\n"
                        for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"))
ON_SOCKETS = """\
socket-raw socket-raw
socket-packet socket-packet
socket-netlink-audit socket-netlink 9
socket-netlink-uevent socket-netlink 15
socket-netlink-diag socket-netlink 4
socket-netlink-netfilter socket-netlink 12
socket-netlink-xfrm socket-netlink 6
socket-vsock socket-vsock
socket-alg socket-alg
socket-key socket-key
host-abstract-socket connect-stream {abstract}
host-path-socket connect-stream {path}
host-loopback connect-tcp {port}
host-control-socket connect-packets {control}
world connect-world
"""
# What its agent's channel is, if a program had been left with it.
ON_CHANNEL = "channel-inherited use-fd {channel}\n"


class Host:
    """What the host has for the attacks to find."""

    def __init__(self, world):
        self.world = world
        self.port = free_port()
        self.abstract = f"tobichi-attack-{self.port}"
        self.path = f"{world.work}/host.sock"
        self.control = f"{world.work}/control.sock"
        world.closing += [
            Answerer(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", self.port)),
            Answerer(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.abstract),
            Answerer(socket.AF_UNIX, socket.SOCK_STREAM, self.path),
            Answerer(socket.AF_UNIX, socket.SOCK_SEQPACKET, self.control)]

    def fill(self, plan, **more):
        values = {"tmp": "/tmp", "suid": "/bin/suid", "root": "", "abstract": "@" + self.abstract,
                  "path": self.path, "port": self.port,
                  "control": self.world.run_folder + "/service.sock", "pid": "{pid}", "channel": 3,
                  "agents": "/run/tobichi", **more}
        return plan.format(**values)


def outcomes(text):
    """LABEL<TAB>outcome<TAB>text, a line each."""
    found = {}
    for line in text.splitlines():
        label, tab, rest = line.partition("\t")
        if tab:
            found[label] = parse(rest)
    return found


def without_wall(world, host, plan, secret):
    """As root, which is all the rights that there are, in a mount namespace that keeps to
    itself what is mounted."""
    victim = world.victim(0)
    folder = world.folder(0)
    suid = f"{folder}/suid"
    subprocess.run(["install", "-m", "4755", world.attack, suid], check=True)
    subprocess.run(["mkdir", f"{folder}/bin"], check=True)
    for name in ("agent.sock", "tobichi"):
        with open(f"{folder}/{name}", "w") as file:
            file.write("of an agent")
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    text = host.fill(plan, tmp=folder, suid=suid, root=folder, control=host.control, agents=folder,
                     channel=theirs.fileno())
    with open(f"{folder}/plan", "w") as file:
        file.write(text)
    done = subprocess.run(
        [world.attack, "keyring-hold", secret, "unshare", "-m", "--propagation", "private",
         world.attack, "batch", "plan", str(victim.pid)],
        cwd=folder, capture_output=True, text=True, pass_fds=[theirs.fileno()], timeout=120)
    mine.close()
    theirs.close()
    found = outcomes(done.stdout)
    # User 0 gains nothing by a file of user 0: that one is for an ordinary user to try.
    open_folder = world.folder(65501)
    subprocess.run(["install", "-m", "4755", world.attack, f"{open_folder}/suid"], check=True)
    found["setuid-program"] = world.try_as(65501, "setuid", f"{open_folder}/suid")
    return found


def labels(plan):
    return [line.split()[0] for line in plan.splitlines()]


def compare(pairs, prefix, plan, plain, walled):
    missing = Outcome("broken", "it said nothing")
    for label in labels(plan):
        pairs.pair(prefix + label, plain.get(label, missing), walled.get(label, missing))


def program(world, pairs, secret):
    host = Host(world)
    # The last of the plan kills what it attacks.
    plan = ON_KERNEL + ON_FILES + ON_NAMESPACES + ON_SOCKETS + ON_CHANNEL + ON_AGENT
    plain = without_wall(world, host, plan, secret)
    world.image("inside", program=("/bin/attack", "batch", "/etc/plan", "1"),
                files=[("/etc/plan", host.fill(plan))])
    done = world.tobichi("run", "inside.tobi")
    compare(pairs, "inside ", plan, plain, outcomes(done.stdout))
    if done.returncode:
        pairs.fail("inside", f"the enclave did not end well: {done.stderr}")
    return host, plain
