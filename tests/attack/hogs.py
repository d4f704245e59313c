"""Programs that take all they can get: what stops them, whether others go on meanwhile,
and whether nothing is left of them."""
import os
import subprocess

from pairs import Outcome, parse
from world import PATIENCE, eventually, groups, read

# Name; what the launch must not lack; options of the image; the attack; the text that says
# why it was stopped, where the attack itself cannot.
HOGS = [
    ("process hog", "processes", ("--processes", "24"), ("processes", "100"), None),
    ("memory hog", "memory", ("--memory", "64M"), ("memory", "300"), "it ran out of memory"),
    ("disk filler", None, ("--writable-size", "1M"), ("disk", "/tmp", "8"), None),
    ("disk filler in /dev/shm", None, ("--writable-size", "1M"), ("disk", "/dev/shm", "8"), None),
    ("open files hog", None, ("--files", "40"), ("files", "100"), None),
]
LOG_MIB, FLOOD_MIB = 2, 16


def others_go_on(world, pairs, name):
    done = world.tobichi("run", "quiet.tobi")
    if done.returncode:
        pairs.fail(f"{name}, others meanwhile", done.stderr)


def is_gone(world, pairs, name, ident):
    try:
        eventually(lambda: not groups(ident) and ident not in str(os.listdir(world.run_folder + "/enclaves")))
    except TimeoutError:
        pairs.fail(f"{name}, its end", f"left: {groups(ident)}")


def lacks(world):
    return world.tobichi("run", "quiet.tobi").stderr


def bounded(world, pairs, lacking):
    for name, needs, options, words, why in HOGS:
        folder = world.folder(0)
        unprotected = world.try_as(0, *[word if not word.startswith("/") else folder for word in words])
        label = name.replace(" ", "-").replace("/", "-")
        world.image(label, *options, program=("/bin/attack", *words))
        done = world.tobichi("run", f"{label}.tobi")
        walled = parse(done.stdout) if "\t" in done.stdout else Outcome("broken", str(done))
        if why and done.returncode and why in done.stderr:
            walled = Outcome("refused", done.stderr.strip().splitlines()[-1])
        # An ordinary user's launch may have less of a limit, or none.
        if walled.kind == "worked" and needs and f"no limit on {needs}" in lacking:
            pairs.skip(name, f"this launch has no limit on {needs}, and says so")
            continue
        pairs.pair(name, unprotected, walled)
        others_go_on(world, pairs, name)


def bomb(world, pairs, lacking):
    """It forks until nobody can any more, and never ends by itself."""
    unprotected = world.try_as(0, "processes", "100")
    if "no limit on processes" in lacking:
        pairs.skip("fork bomb", "this launch has no limit on processes, and says so")
        return
    world.image("bomb", "--processes", "24", program=("/bin/attack", "bomb"))
    enclave = world.detach("bomb")
    enclave.line("worked")
    name = [path for path in groups(enclave.id) if os.path.exists(path + "/pids.max")]
    eventually(lambda: int(read(name[0] + "/pids.current")) >= 24)
    others_go_on(world, pairs, "fork bomb")
    most, now = (int(read(f"{name[0]}/pids.{one}")) for one in ("max", "current"))
    done = enclave.stop()
    held = Outcome("refused", f"{now} processes of at most {most}, and all are gone") \
        if now <= most == 25 and done.returncode == 0 else Outcome("worked", f"{now} of {most}")
    pairs.pair("fork bomb", unprotected, held)
    is_gone(world, pairs, "fork bomb", enclave.id)


def flooder(world, pairs):
    """What a detached program prints is kept for the owner, up to a size."""
    folder = world.folder(0)
    with open(f"{folder}/log", "w") as log:
        subprocess.run([world.attack, "flood", str(FLOOD_MIB)], stdout=log, timeout=PATIENCE)
    size = os.path.getsize(f"{folder}/log") >> 20
    unprotected = Outcome("worked" if size >= FLOOD_MIB else "broken", f"{size} MiB of log")
    world.image("flooder", program=("/bin/attack", "flood-and-stay", str(FLOOD_MIB)))
    enclave = world.detach("flooder")
    # Its last line says that it has got rid of all of it.
    eventually(lambda: "flooded" in enclave.log()[-20:])
    kept = enclave.log()  # what is read while more is printed has more in it
    others_go_on(world, pairs, "log flooder")
    told = f"{len(kept) >> 10} KiB are kept of {FLOOD_MIB} MiB, the newest"
    pairs.pair("log flooder", unprotected,
               Outcome("refused" if len(kept) < LOG_MIB << 20 else "worked", told))
    enclave.stop()
    is_gone(world, pairs, "log flooder", enclave.id)


def throttled(ident):
    """How often the kernel has held the enclave back; version 1 and 2 say it alike."""
    for path in groups(ident):
        for line in read(path + "/cpu.stat").splitlines():
            if line.startswith("nr_throttled "):
                return int(line.split()[1])
    return 0


def processor(world, pairs, lacking):
    if "no limit on CPU" in lacking:
        pairs.skip("processor hog", "this launch has no limit on CPU time, and says so")
        return
    hog = subprocess.Popen([world.attack, "processor", "2"], stdout=subprocess.PIPE, text=True,
                           start_new_session=True)
    first = parse(hog.stdout.readline())
    os.killpg(hog.pid, 9)
    hog.wait()
    hog.stdout.close()
    unprotected = Outcome(first.kind, "it is never held back")
    world.image("processor", "--cpus", "0.25", program=("/bin/attack", "processor", "4"))
    enclave = world.detach("processor")
    enclave.line("worked")
    times = eventually(lambda: throttled(enclave.id))
    others_go_on(world, pairs, "processor hog")
    pairs.pair("processor hog", unprotected, Outcome("refused", f"held back {times} times by its quota"))
    enclave.stop()
    is_gone(world, pairs, "processor hog", enclave.id)


def run(world, pairs):
    world.image("quiet", program=("/bin/attack", "true"))
    lacking = lacks(world)
    bounded(world, pairs, lacking)
    bomb(world, pairs, lacking)
    flooder(world, pairs)
    processor(world, pairs, lacking)
