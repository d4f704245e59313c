#!/usr/bin/python3
"""The event log of a whole start, of SHA-256: boot_log.py LOG POLICY [COUNT]

Writes the log, and the section of a policy that takes it; prints each event's PCR and
digest for tpm2_pcrextend. COUNT: so many more events, of 4 KiB each."""
import hashlib
import struct
import sys

NO_ACTION, SEPARATOR, IPL = 3, 4, 0xD
VARIABLE, BOOT_VARIABLE, APPLICATION, ACTION = 0x80000001, 0x80000002, 0x80000003, 0x80000007
GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
SECURITY = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")
LOADER, KERNEL, INITRD, CONFIG = b"a boot loader", b"a kernel", b"an initrd", b"a configuration of GRUB"
LINE = "/vmlinuz root=/dev/vda ro"

log = struct.pack("<II20xI", 0, NO_ACTION, 16 + 4 + 4 + 4 + 4 + 1)
log += b"Spec ID Event03\0" + struct.pack("<I4BIHHB", 0, 0, 2, 0, 2, 1, 0xB, 32, 0)


def event(pcr, kind, data, measured=None):
    global log
    digest = hashlib.sha256(data if measured is None else measured).digest()
    log += struct.pack("<IIIH", pcr, kind, 1, 0xB) + digest + struct.pack("<I", len(data)) + data
    print(pcr, digest.hex())


def variable(guid, name, value):
    wide = name.encode("utf-16-le")
    event(7, VARIABLE, guid + struct.pack("<QQ", len(name), len(value)) + wide + value)


def grub(word, text):
    event(8, IPL, (word + text).encode() + b"\0", text.encode())


variable(GLOBAL, "SecureBoot", b"\1")
variable(GLOBAL, "PK", b"owner")
variable(GLOBAL, "KEK", b"exchange")
variable(SECURITY, "db", b"allowed")
variable(SECURITY, "dbx", b"forbidden")
for i in range(int(sys.argv[3]) if len(sys.argv) > 3 else 0):
    event(1, BOOT_VARIABLE, i.to_bytes(4, "little") * 1024)
for pcr in range(8):
    event(pcr, SEPARATOR, b"\0\0\0\0")
event(4, APPLICATION, b"somewhere in memory", LOADER)
event(9, IPL, b"(hd0)/grub.cfg\0", CONFIG)
grub("grub_cmd: ", "linux " + LINE)
event(9, IPL, b"/vmlinuz\0", KERNEL)
grub("kernel_cmdline: ", LINE)
grub("grub_cmd: ", "initrd /initrd")
event(9, IPL, b"/initrd\0", INITRD)
event(5, ACTION, b"Exit Boot Services Invocation")
event(5, ACTION, b"Exit Boot Services Returned with Success")
with open(sys.argv[1], "wb") as file:
    file.write(log)
with open(sys.argv[2], "w") as file:
    print(f"boot:\n  secure-boot: required\n  command-lines: [\"{LINE}\"]", file=file)
    for key, what in (("boot-loaders", LOADER), ("kernels", KERNEL), ("initrds", INITRD), ("files", CONFIG)):
        print(f"  {key}: [{hashlib.sha256(what).hexdigest()}]", file=file)
