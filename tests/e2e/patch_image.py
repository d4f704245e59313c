"""Makes an image that no build here makes: of another architecture than this host's, or
with a text in its manifest replaced by another of the same length.

Usage: patch_image.py IMAGE NEW_IMAGE [OLD NEW]
"""
import struct, sys

image = open(sys.argv[1], "rb").read()
magic, version, manifest_size, signatures_size, zero, root = struct.unpack(">8sIIIIQ", image[:32])
manifest = image[56:56 + manifest_size]
signatures = image[56 + manifest_size:56 + manifest_size + signatures_size]
texts = [text.encode() for text in sys.argv[3:]]
assert not texts or (len(texts[0]) == len(texts[1]) and texts[0] in manifest), "nothing to replace"
pairs = [texts] if texts else ((b"\x02\x66x86_64", b"\x02\x67aarch64"), (b"\x02\x67aarch64", b"\x02\x66x86_64"))
for mine, other in pairs:
    if mine in manifest:
        manifest = manifest.replace(mine, other, 1)
        break
front = struct.pack(">8sIIIIQ", magic, version, len(manifest), signatures_size, zero, root) + \
    image[32:56] + manifest + signatures
assert len(front) <= root, "no room for it"
open(sys.argv[2], "wb").write(front.ljust(root, b"\0") + image[root:])
