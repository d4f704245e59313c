"""Deterministic CBOR, as much of it as our packets need."""
import struct


def head(major, n):
    for limit, code, form in ((24, None, None), (1 << 8, 24, ">B"), (1 << 16, 25, ">H"),
                              (1 << 32, 26, ">I"), (1 << 64, 27, ">Q")):
        if n < limit:
            return bytes([major << 5 | n]) if code is None else \
                bytes([major << 5 | code]) + struct.pack(form, n)


def enc(v):
    if v is True or v is False:
        return b"\xf5" if v else b"\xf4"
    if isinstance(v, int):
        return head(0, v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(enc, v))
    pairs = sorted((enc(k), enc(x)) for k, x in v.items())
    return head(5, len(pairs)) + b"".join(k + x for k, x in pairs)


def dec(b, at=0):
    major, info = b[at] >> 5, b[at] & 31
    at += 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    n = int.from_bytes(b[at:at + size], "big") if size else info
    at += size
    if major == 0:
        return n, at
    if major == 7 and n in (20, 21):
        return n == 21, at
    if major in (2, 3):
        raw = bytes(b[at:at + n])
        return (raw if major == 2 else raw.decode()), at + n
    out = [] if major == 4 else {}
    for _ in range(n):
        k, at = dec(b, at)
        if major == 4:
            out.append(k)
        else:
            out[k], at = dec(b, at)
    return out, at
