"""Reference values of ours, read and checked by a second hand: python3-cbor2 decodes them,
python3-cryptography verifies the signature; and what that hand writes and signs, ours
reads and verifies.

Usage: corim.py BUILD_FOLDER. Exit 77 where a module is missing.
"""
import os
import subprocess
import sys
import tempfile

try:
    import cbor2
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

TOBICHI = os.path.join(sys.argv[1], "cli", "tobichi")
SIZES = {-7: (32, hashes.SHA256), -35: (48, hashes.SHA384)}
DIGEST = bytes(range(48))


def run(*arguments, status=0):
    done = subprocess.run([TOBICHI, *arguments], capture_output=True, text=True)
    assert done.returncode == status, (arguments, done.stdout, done.stderr)
    return done.stdout


def sig_structure(protected, payload):
    return cbor2.dumps(["Signature1", protected, b"", payload])


def verify(key, protected, payload, signature):
    algorithm = cbor2.loads(protected)[1]
    message = sig_structure(protected, payload)
    if algorithm == -8:
        key.verify(signature, message)
        return
    half, hash_of = SIZES[algorithm]
    assert len(signature) == 2 * half
    r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hash_of()))


def deterministic(value):
    return cbor2.dumps(value, canonical=True)


def check_unsigned(encoded, name):
    tag = cbor2.loads(encoded)
    assert tag.tag == 501
    corim = tag.value
    assert sorted(corim) == [0, 1, 3] and corim[0].startswith("tobichi:image:")
    # cbor2 knows tag 32 as no more than a tag
    assert corim[3].tag == 32 and corim[3].value == "tag:tobichi.example,2026:corim#1"
    (module,) = corim[1]
    assert module.tag == 506
    comid = cbor2.loads(module.value)
    assert deterministic(comid) == module.value
    assert comid[1] == {0: corim[0]} and comid[2][0][2] == [0]
    ((environment, measurements),) = comid[4][0]
    assert environment == {0: {1: "Tobichi", 2: "image"}}
    image, product = measurements
    assert image[0] == "image" and image[1][3] == {3: False}
    assert image[1][1].tag == 552 and image[1][1].value == 2
    ((algorithm, digest),) = image[1][2]
    assert algorithm == 7 and len(digest) == 48 and digest.hex().startswith(corim[0][14:])
    assert product[0] == "product" and product[1][1].value == 7
    (((condition,), (endorsed,)),) = comid[4][10]
    assert condition[1][0][1] == {2: [[7, digest]]} and endorsed[1][0][1] == {11: name}


def written_by_us(kind):
    run("keygen", "-o", kind, "--type", kind)
    run("build", "--name", "web", "--svn", "2", "--product", "7", "--key", f"{kind}.key", "-o", f"{kind}.tobi",
        "--", "/bin/true")
    with open(f"{kind}.corim", "rb") as file:
        encoded = file.read()
    tag = cbor2.loads(encoded)
    assert tag.tag == 18
    protected, unprotected, payload, signature = tag.value
    headers = cbor2.loads(protected)
    assert deterministic(headers) == protected and unprotected == {}
    assert headers[3] == "application/rim+cbor"
    assert cbor2.loads(headers[8])[0][0] == "tobichi build" and headers[15][1] == "tobichi build"
    with open(f"{kind}.pub", "rb") as file:
        key = serialization.load_pem_public_key(file.read())
    verify(key, protected, payload, signature)
    cose_key = headers[15][8][1]
    if kind == "ed25519":
        assert cose_key[-2] == key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        numbers = key.public_numbers()
        assert int.from_bytes(cose_key[-2], "big") == numbers.x
        assert int.from_bytes(cose_key[-3], "big") == numbers.y
    check_unsigned(payload, "web")


def written_by_others():
    """Keys in another order, dates, several digests, a COSE_Sign1 with a kid."""
    key = ec.generate_private_key(ec.SECP256R1())
    comid = cbor2.dumps({4: {0: [[{0: {2: "M", 1: "V"}}, [
        {1: {2: [[1, bytes(32)], ["sha-384", DIGEST]], 1: cbor2.CBORTag(553, 4)}, 0: 641}]]]},
        1: {0: "from-elsewhere"}})
    corim = cbor2.dumps(cbor2.CBORTag(501, {1: [cbor2.CBORTag(506, comid)], 0: bytes(16),
                                            4: {1: cbor2.CBORTag(1, 2000000000)}}))
    meta = cbor2.dumps({0: {0: "Somebody"}, 1: {0: cbor2.CBORTag(1, 1000), 1: cbor2.CBORTag(1, 1900000000)}})
    protected = cbor2.dumps({1: -7, 3: "application/rim+cbor", 4: b"1", 8: meta})
    der = key.sign(sig_structure(protected, corim), ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    with open("other.corim", "wb") as file:
        file.write(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, corim, signature])))
    with open("other.pub", "wb") as file:
        file.write(key.public_key().public_bytes(serialization.Encoding.PEM,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo))
    shown = run("corim", "show", "other.corim")
    for words in ("mkey: 641", "svn at least: 4", DIGEST.hex(), "name: Somebody", "2033-05-18T03:33:20Z"):
        assert words in shown, (words, shown)
    at = ["--at", "2026-05-17T12:00:00Z"]
    assert "ACCEPT" in run("corim", "verify", "other.corim", "--signer", "other.pub", *at)
    run("corim", "verify", "other.corim", "--signer", "p256.pub", *at, status=1)
    run("corim", "verify", "other.corim", "--signer", "other.pub", "--at", "2032-01-01T00:00:00Z", status=1)
    damaged = signature[:-1] + bytes([signature[-1] ^ 1])
    with open("other.corim", "wb") as file:
        file.write(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, corim, damaged])))
    run("corim", "verify", "other.corim", "--signer", "other.pub", *at, status=1)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.environ.update(HOME=folder, TOBICHI_STATE_FOLDER=folder + "/state", TOBICHI_RUN_FOLDER=folder + "/run")
    for each in ("p256", "p384", "ed25519"):
        written_by_us(each)
    written_by_others()
print("3 documents of ours were read and verified, 1 of another hand")
