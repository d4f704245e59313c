"""Makes an image of another architecture from one of this host's: what no build here does.

Usage: patch_image.py IMAGE NEW_IMAGE
"""
import struct, sys

image = open(sys.argv[1], "rb").read()
magic, version, manifest_size, signatures_size, zero, root = struct.unpack(">8sIIIIQ", image[:32])
manifest = image[56:56 + manifest_size]
signatures = image[56 + manifest_size:56 + manifest_size + signatures_size]
for mine, other in ((b"\x02\x66x86_64", b"\x02\x67aarch64"), (b"\x02\x67aarch64", b"\x02\x66x86_64")):
    if mine in manifest:
        manifest = manifest.replace(mine, other, 1)
        break
front = struct.pack(">8sIIIIQ", magic, version, len(manifest), signatures_size, zero, root) + \
    image[32:56] + manifest + signatures
assert len(front) <= root, "no room for it"
open(sys.argv[2], "wb").write(front.ljust(root, b"\0") + image[root:])
