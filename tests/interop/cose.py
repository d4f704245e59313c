"""COSE_Sign1 of ours, checked and made by a second hand: the CBOR and the Sig_structure
(RFC 9052 section 4.4) are built here, the signatures are OpenSSL's command-line program.

Usage: cose.py TOOL. Exit 77 where openssl is missing.
"""
import os
import shutil
import subprocess
import sys
import tempfile

PAYLOAD = b"what both sides sign \x00\xff"

# COSE number, genpkey arguments, hash, bytes of r and of s, whether we sign with it
ALGORITHMS = {
    "ES256": (-7, ["EC", "ec_paramgen_curve:P-256"], "sha256", 32, True),
    "ES384": (-35, ["EC", "ec_paramgen_curve:P-384"], "sha384", 48, True),
    "EdDSA": (-8, ["ED25519"], None, 0, True),
    "ES512": (-36, ["EC", "ec_paramgen_curve:P-521"], "sha512", 66, False),
    "PS256": (-37, ["RSA", "rsa_keygen_bits:2048"], "sha256", 0, False),
    "PS384": (-38, ["RSA", "rsa_keygen_bits:2048"], "sha384", 0, False),
}


def head(major, value):
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 24:
            return bytes([major << 5 | value])
        if value < 1 << 8 * size:
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise ValueError(value)


def number(value):
    return head(0, value) if value >= 0 else head(1, -1 - value)


def byte_string(value):
    return head(2, len(value)) + value


def sig_structure(protected, aad, payload):
    return b"\x84\x6aSignature1" + byte_string(protected) + byte_string(aad) + byte_string(payload)


def read_item(data, at):
    """The item at that place, and the place after it."""
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info >= 24:
        size = 1 << info - 24
        value, at = int.from_bytes(data[at:at + size], "big"), at + size
    else:
        value = info
    if major == 2:
        return data[at:at + value], at + value
    if major == 3:
        return data[at:at + value].decode(), at + value
    if major == 4:
        items = []
        for _ in range(value):
            item, at = read_item(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(value):
            key, at = read_item(data, at)
            pairs[key], at = read_item(data, at)
        return pairs, at
    if major == 6:
        item, at = read_item(data, at)
        return ("tag", value, item), at
    if major == 7:
        return {20: False, 21: True, 22: None}[value], at
    return (value if major == 0 else -1 - value), at


def der_integer(value):
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(body)]) + body


def raw_to_der(raw):
    half = len(raw) // 2
    body = der_integer(int.from_bytes(raw[:half], "big")) + der_integer(int.from_bytes(raw[half:], "big"))
    return b"\x30" + (bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])) + body


def der_to_raw(der, half):
    at = 3 if der[1] & 0x80 else 2
    raw = b""
    for _ in range(2):
        size = der[at + 1]
        raw += int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(half, "big")
        at += 2 + size
    return raw


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)


def read(name):
    with open(name, "rb") as file:
        return file.read()


def openssl(*args):
    return subprocess.run(["openssl", *args], capture_output=True)


def make_key(kind):
    options = [word for option in kind[1:] for word in ("-pkeyopt", option)]
    made = openssl("genpkey", "-algorithm", kind[0], *options, "-out", "key.pem")
    public = openssl("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
    if made.returncode or public.returncode:
        sys.exit(f"error: openssl cannot make a key: {made.stderr} {public.stderr}")


def pss(name):
    return ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if name[0] == "P" else []


def openssl_verifies(name, message, signature):
    _, _, digest, half, _ = ALGORITHMS[name]
    write("message", message)
    write("signature", raw_to_der(signature) if half else signature)
    if digest:
        done = openssl("dgst", "-" + digest, "-verify", "public.pem", *pss(name), "-signature", "signature",
                       "message")
    else:
        done = openssl("pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "message",
                       "-sigfile", "signature")
    return done.returncode == 0


def openssl_signs(name, message):
    _, _, digest, half, _ = ALGORITHMS[name]
    write("message", message)
    if digest:
        done = openssl("dgst", "-" + digest, "-sign", "key.pem", *pss(name), "-out", "signature", "message")
    else:
        done = openssl("pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "message", "-out", "signature")
    if done.returncode:
        sys.exit(f"error: openssl does not sign: {done.stderr}")
    return der_to_raw(read("signature"), half) if half else read("signature")


def expect(what, holds):
    if not holds:
        sys.exit(f"error: {what}")
    expect.count += 1


def ours_read_by_them(tool, name):
    alg = ALGORITHMS[name][0]
    for form in ("attached", "detached"):
        done = subprocess.run([tool, "sign", "key.pem", "payload", "token", form], capture_output=True)
        expect(f"{name}: we cannot sign: {done.stdout}", done.returncode == 0)
        data = read("token")
        (_, tag, (protected, unprotected, payload, signature)), end = read_item(data, 0)
        expect(f"{name}: one item, tag 18", end == len(data) and tag == 18)
        expect(f"{name}: headers", read_item(protected, 0)[0] == {1: alg, 3: "text/plain"} and not unprotected)
        expect(f"{name}: payload", payload == (PAYLOAD if form == "attached" else None))
        message = sig_structure(protected, b"", PAYLOAD)
        expect(f"{name}: openssl does not verify what we signed", openssl_verifies(name, message, signature))
        expect(f"{name}: openssl verifies anything", not openssl_verifies(name, message + b"x", signature))


def theirs_read_by_us(tool, name):
    protected = b"\xa1\x01" + number(ALGORITHMS[name][0])
    for aad in (b"", b"context"):
        for form in ("attached", "detached"):
            signature = openssl_signs(name, sig_structure(protected, aad, PAYLOAD))
            body = byte_string(PAYLOAD) if form == "attached" else b"\xf6"
            token = b"\xd2\x84" + byte_string(protected) + b"\xa1\x04\x41k" + body + byte_string(signature)
            write("token", token)
            write("aad", aad)
            command = [tool, "verify", "public.pem", "token", "payload", "aad"]
            done = subprocess.run(command, capture_output=True)
            expect(f"{name}, {form}: we do not verify: {done.stdout}", done.returncode == 0)
            write("aad", aad + b"x")
            expect(f"{name}: we verify under other data", subprocess.run(command, capture_output=True).returncode == 1)
            write("aad", aad)
            write("token", token[:-1] + bytes([token[-1] ^ 1]))
            expect(f"{name}: we verify a changed signature",
                   subprocess.run(command, capture_output=True).returncode == 1)


def main(tool):
    if not shutil.which("openssl"):
        print("skipped: openssl is not installed")
        return 77
    tool = os.path.abspath(tool)
    expect.count = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write("payload", PAYLOAD)
        for name, (_, kind, _, _, we_sign) in ALGORITHMS.items():
            make_key(kind)
            if we_sign:
                ours_read_by_them(tool, name)
            theirs_read_by_us(tool, name)
        os.chdir("/")
    print(f"{expect.count} expectations held")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
