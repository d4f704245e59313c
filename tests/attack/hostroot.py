"""What root on the host can do to an enclave of this tier. It is shown, because
docs/THREAT-MODEL.md says that it is not kept out."""
import subprocess

from pairs import Outcome


def run(world, pairs, target):
    for who, pid, address in (("program", target.program, target.address), ("agent", target.agent, None)):
        for name, words in (("memory by process_vm_readv", ("vm-read",)), ("memory by /proc", ("proc-mem",)),
                            ("memory by ptrace", ("ptrace",))):
            got = world.try_as(0, *words, pid, *([address] if address else []))
            if address and got.kind == "worked" and target.secret not in got.text:
                got = Outcome("broken", f"that is not its secret: {got.text}")
            pairs.root(f"{who}, {name}", got)
    pairs.root("program, secret in /run/secrets",
               world.try_as(0, "proc-read", target.program, "root/run/secrets/token"))
    pairs.root("agent, its channel", world.try_as(0, "take-fd", target.agent, "3"))
    pairs.root("agent, its namespaces", world.try_as(0, "setns-pidfd", target.agent))
    pairs.root("platform key", signed_by_root(world))
    pairs.root("seal root", world.try_as(0, "read", f"{world.state}/seal-root"))
    if target.enclave.runs():
        pairs.root("program, its end", world.try_as(0, "signal", target.program, "9"))


def signed_by_root(world):
    """Whatever it likes, in the name of this platform."""
    text, signature = f"{world.work}/claim", f"{world.work}/claim.signature"
    with open(text, "w") as file:
        file.write("any image, any claim")
    made = subprocess.run(["openssl", "dgst", "-sha384", "-sign", f"{world.state}/platform.key", "-out",
                           signature, text], capture_output=True, text=True)
    public = subprocess.run(["openssl", "x509", "-in", f"{world.state}/platform.pem", "-noout", "-pubkey"],
                            capture_output=True, text=True)
    with open(f"{world.work}/platform.pub", "w") as file:
        file.write(public.stdout)
    done = subprocess.run(["openssl", "dgst", "-sha384", "-verify", f"{world.work}/platform.pub",
                           "-signature", signature, text], capture_output=True, text=True)
    if made.returncode or "Verified OK" not in done.stdout:
        return Outcome("broken", made.stderr + done.stdout + done.stderr)
    return Outcome("worked", "it signs claims that the platform's certificate verifies")
