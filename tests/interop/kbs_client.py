#!/usr/bin/python3
"""A client of the key-broker protocol (RCAR), from its documents: none of the broker's
own code is in it.

Usage: kbs_client.py --guest PROGRAM --folder FOLDER [--key EC|P-384|P-521|RSA]
                     [--token] [--ca FILE] URL REPOSITORY/TYPE/TAG

PROGRAM is tests/tools/snp_report: it signs report data as hardware would, and has written
FOLDER/policy.yaml when it says so. The secret goes to standard output. Exit 0: it came;
1: the broker refused (its answer is on standard error); 2: something else.

Standard library, and python3-cryptography for keys: JSON, JCS, hashes, JWE's header and
its key derivation are written here.
"""
import argparse
import base64
import hashlib
import http.client
import json
import ssl
import subprocess
import sys
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jcs(value):
    """RFC 8785, for what is in these messages: texts, objects, lists, small integers."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: k.encode("utf-16-be"))
        return "{" + ",".join(jcs(k) + ":" + jcs(value[k]) for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(jcs(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


class TeeKey:
    """The key that the guest makes for one session."""

    def __init__(self, kind):
        self.kind = kind
        if kind == "RSA":
            self.key = rsa.generate_private_key(65537, 2048)
        else:
            self.key = ec.generate_private_key(CURVES[kind]())

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        if self.kind == "RSA":
            size = (numbers.n.bit_length() + 7) // 8
            return {"kty": "RSA", "alg": "RSA-OAEP-256",
                    "n": b64url(numbers.n.to_bytes(size, "big")), "e": "AQAB"}
        size = (self.key.curve.key_size + 7) // 8
        return {"kty": "EC", "crv": self.kind, "alg": "ECDH-ES+A256KW",
                "x": b64url(numbers.x.to_bytes(size, "big")),
                "y": b64url(numbers.y.to_bytes(size, "big"))}

    def content_key(self, header, wrapped):
        if header["alg"] == "RSA-OAEP-256":
            return self.key.decrypt(wrapped, padding.OAEP(
                padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        epk = header["epk"]
        assert header["alg"] == "ECDH-ES+A256KW" and epk["crv"] == self.kind
        peer = ec.EllipticCurvePublicNumbers(
            int.from_bytes(unb64url(epk["x"]), "big"),
            int.from_bytes(unb64url(epk["y"]), "big"), CURVES[self.kind]()).public_key()
        shared = self.key.exchange(ec.ECDH(), peer)
        alg = header["alg"].encode()
        info = len(alg).to_bytes(4, "big") + alg + bytes(8) + (256).to_bytes(4, "big")
        kek = hashlib.sha256((1).to_bytes(4, "big") + shared + info).digest()
        return aes_key_unwrap(kek, wrapped)

    def open(self, message):
        """As the Rust client does: the header is parsed, and written anew for the AAD."""
        jwe = json.loads(message)
        assert set(jwe) == {"protected", "encrypted_key", "iv", "ciphertext", "tag"}, jwe
        header = json.loads(unb64url(jwe["protected"]))
        again = {"alg": header.pop("alg"), "enc": header.pop("enc")}
        again.update(sorted(header.items()))
        aad = b64url(json.dumps(again, separators=(",", ":")).encode())
        assert again["enc"] == "A256GCM"
        key = self.content_key(again, unb64url(jwe["encrypted_key"]))
        return AESGCM(key).decrypt(unb64url(jwe["iv"]), unb64url(jwe["ciphertext"]) +
                                   unb64url(jwe["tag"]), aad.encode())


class Guest:
    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, folder], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def evidence(self, report_data):
        self.process.stdin.write(report_data.ljust(64, b"\0").hex() + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Refused(Exception):
    pass


class Client:
    def __init__(self, url, ca=None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "https":
            self.connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, context=ssl.create_default_context(cafile=ca))
        else:
            self.connection = http.client.HTTPConnection(parts.hostname, parts.port)
        self.cookie = None
        self.token = None

    def request(self, method, path, body=None, token=None):
        headers = {}
        if body is not None:
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = "Bearer " + token
        elif self.cookie:
            headers["Cookie"] = self.cookie
        self.connection.request(method, "/kbs/v0" + path, body, headers)
        response = self.connection.getresponse()
        answer = response.read()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie" and value.startswith("kbs-session-id="):
                self.cookie = value.split(";")[0]
        if response.status != 200:
            raise Refused(f"{method} {path}: {response.status} {answer.decode()}")
        return answer

    def attest(self, guest, tee, key):
        challenge = json.loads(self.request("POST", "/auth", {
            "version": "0.4.0", "tee": tee,
            "extra-params": {"supported-hash-algorithms": ["sha256", "sha384", "sha512"]}}))
        assert len(base64.b64decode(challenge["nonce"], validate=True)) == 32
        runtime = {"nonce": challenge["nonce"], "tee-pubkey": key.jwk()}
        bound = hashlib.sha384(jcs({**runtime, "additional-evidence": ""}).encode()).digest()
        answer = json.loads(self.request("POST", "/attest", {
            "init-data": None, "runtime-data": runtime,
            "tee-evidence": {"primary_evidence": guest.evidence(bound),
                             "additional_evidence": ""}}))
        self.token = answer["token"]
        claims = json.loads(unb64url(self.token.split(".")[1]))
        assert claims["submods"]["cpu0"]["ear.veraison.annotated-evidence"][
            "runtime_data_claims"]["tee-pubkey"] == key.jwk()

    def resource(self, name, key, by_token=False):
        return key.open(self.request("GET", "/resource/" + name,
                                     token=self.token if by_token else None))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--guest", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--key", default="P-256", choices=[*CURVES, "RSA"])
    parser.add_argument("--token", action="store_true")
    parser.add_argument("--wait", action="store_true",
                        help="ask for the secret when a line comes on standard input")
    parser.add_argument("--ca")
    parser.add_argument("url")
    parser.add_argument("resource")
    arguments = parser.parse_args()
    guest = Guest(arguments.guest, arguments.folder)
    try:
        if arguments.wait:
            print("policy", file=sys.stderr, flush=True)
            sys.stdin.readline()
        client = Client(arguments.url, arguments.ca)
        key = TeeKey(arguments.key)
        client.attest(guest, "snp", key)
        sys.stdout.buffer.write(client.resource(arguments.resource, key, arguments.token))
        return 0
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    finally:
        guest.close()


if __name__ == "__main__":
    sys.exit(main())
