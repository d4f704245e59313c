#!/usr/bin/env python3
"""The log's tree against one written from RFC 6962 section 2.1 by its recursive definition.

Roots, inclusion proofs and consistency proofs of every size are computed here by the
definition, and must be byte for byte what the project's tool gives; what the tool gives is
verified here, too. The roots that everybody knows for the tree of eight leaves of
Certificate Transparency's tests stand below.

Usage: merkle.py TOOL [SIZE]
"""
import subprocess
import sys

from merkle_tree import path, root, subproof

KNOWN_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                "606162636465666768696a6b6c6d6e6f"]
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
held = 0


def expect(what, holds):
    global held
    if not holds:
        sys.exit(f"error: {what}")
    held += 1


def ask(tool, *arguments):
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True)
    expect(f"{arguments}: {done.stderr}", done.returncode == 0)
    return [line.split() for line in done.stdout.splitlines()]


def main(tool, size):
    known = [bytes.fromhex(leaf) for leaf in KNOWN_LEAVES]
    for count, (line, wanted) in enumerate(zip(ask(tool, "roots", *KNOWN_LEAVES), KNOWN_ROOTS)):
        expect(f"known root of {count}", line == [str(count), wanted])
        expect(f"our own root of {count}", root(known[:count]).hex() == wanted)
    leaves = [number.to_bytes(2, "big") for number in range(size)]
    memory = {}
    for count in range(size + 1):
        memory[count] = root(leaves[:count]).hex()
    hexes = [leaf.hex() for leaf in leaves]
    for count, line in enumerate(ask(tool, "roots", *hexes)):
        expect(f"root of {count}", line == [str(count), memory[count]])
    lines = ask(tool, "inclusion", *hexes)
    expect("a proof for each leaf of each size", len(lines) == size * (size + 1) // 2)
    for count, index, *found in lines:
        wanted = path(int(index), leaves[:int(count)])
        expect(f"inclusion of {index} in {count}", found == [one.hex() for one in wanted])
    lines = ask(tool, "consistency", *hexes)
    expect("a proof for each pair of sizes", len(lines) == (size + 1) * (size + 2) // 2)
    for first, second, *found in lines:
        wanted = subproof(int(first), leaves[:int(second)], True) if int(first) else []
        expect(f"consistency of {first} and {second}", found == [one.hex() for one in wanted])
    print(f"{held} expectations held")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 66))
