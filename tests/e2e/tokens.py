"""What programs of others make of our tokens, and a token that they make."""
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils


def public(path):
    with open(path, "rb") as file:
        return serialization.load_pem_public_key(file.read())


def show(claims, profile, submods, status):
    print(claims[profile], next(iter(claims[submods].values()))[status])


def read_jwt(key, path):
    import jwt
    with open(path) as file:
        claims = jwt.decode(file.read(), public(key), algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False})
    show(claims, "eat_profile", "submods", "ear_status")


def read_jwcrypto(key, path):
    import json
    from jwcrypto import jwk, jws
    token = jws.JWS()
    with open(path) as file:
        token.deserialize(file.read())
    with open(key, "rb") as file:
        token.verify(jwk.JWK.from_pem(file.read()))
    show(json.loads(token.payload), "eat_profile", "submods", "ear.status")


def read_cwt(key, path):
    import cbor2
    with open(path, "rb") as file:
        token = cbor2.loads(file.read())
    assert token.tag == 18
    protected, _, payload, signature = token.value
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    half = len(signature) // 2
    der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
    assert cbor2.loads(protected)[1] == -7
    public(key).verify(der, signed, ec.ECDSA(hashes.SHA256()))
    show(cbor2.loads(payload), 265, 266, 1000)


def make_eat(key, seconds, wrapped=None):
    import cbor2
    with open(key, "rb") as file:
        private = serialization.load_pem_private_key(file.read(), None)
    claims = {10: b"noncenonce", 256: b"\1" + b"u" * 16, 263: 1, 265: "urn:ietf:rfc:rfc9711", 270: "firmware",
              6: int(seconds)}
    if wrapped:  # a record of it as a submodule
        with open(wrapped, "rb") as file:
            claims[266] = {"part": [263, file.read(), 4]}
    payload = cbor2.dumps(claims)
    protected = cbor2.dumps({1: -7})
    der = private.sign(cbor2.dumps(["Signature1", protected, b"", payload]), ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    token = cbor2.CBORTag(18, [protected, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")])
    sys.stdout.buffer.write(cbor2.dumps(token))


def wrap(key, path):
    import jwt
    with open(path, "rb") as file:
        payload = file.read()
    with open(key, "rb") as file:
        private = file.read()
    print(jwt.api_jws.encode(payload, private, algorithm="ES256", headers={"cty": "application/cmw+json"}), end="")


COMMANDS = {"jwt": read_jwt, "jwcrypto": read_jwcrypto, "cwt": read_cwt, "eat": make_eat, "wrap": wrap}
try:
    COMMANDS[sys.argv[1]](*sys.argv[2:])
except (InvalidSignature, AssertionError):
    sys.exit(1)
except Exception as wrong:  # each library has its own
    print(type(wrong).__name__)
    sys.exit(1)
