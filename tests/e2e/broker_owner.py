"""An owner or operator of a key broker, who signs requests as PROTOCOL.md 18.3 says: from
that text, with none of the broker's own code. And brokers that a test starts and ends."""
import base64
import hashlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

SIGNS = {"secp256r1": ("ES256", hashes.SHA256), "secp384r1": ("ES384", hashes.SHA384)}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Owner:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.key = serialization.load_pem_private_key(file.read(), None)
        self.alg, self.hash = SIGNS[self.key.curve.name]
        spki = self.key.public_key().public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)
        self.id = hashlib.sha384(spki).hexdigest()

    def claims(self, host, method, target, body, now=None):
        now = int(time.time() if now is None else now)
        return {"iss": self.id, "iat": now, "exp": now + 120, "jti": secrets.token_hex(16), "aud": host,
                "htm": method, "htu": target, "body-sha256": b64url(hashlib.sha256(body).digest())}

    def sign(self, claims, header=None):
        header = header or {"alg": self.alg, "typ": "tobichi-request+jwt"}
        text = b64url(compact(header)) + "." + b64url(compact(claims))
        r, s = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(self.hash())))
        size = (self.key.curve.key_size + 7) // 8
        return text + "." + b64url(r.to_bytes(size, "big") + s.to_bytes(size, "big"))

    def ask(self, port, method, target, value=None, now=None, timeout=40):
        """(status, answer): OSError or HTTPException where nothing whole came back."""
        body = b"" if value is None else compact(value)
        token = self.sign(self.claims(f"127.0.0.1:{port}", method, target, body, now))
        return exchange(port, method, target, body, token, timeout)


def exchange(port, method, target, body=b"", token=None, timeout=40):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Authorization": "Bearer " + token} if token else {}
        connection.request(method, target, body or None, headers)
        answer = connection.getresponse()
        data = answer.read()
        return answer.status, data
    finally:
        connection.close()


class Broker:
    """One process at a time, that a test may kill and start again."""

    def __init__(self, build, folder, port, log, **environment):
        self.program, self.folder, self.port = f"{build}/daemons/broker/tobichi-broker", folder, port
        self.log = log
        self.environment = {**os.environ, **environment}
        self.process = None

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([self.program, "--config", f"{self.folder}/broker.yaml"],
                                            stderr=log, env=self.environment)

    def is_ready(self, timeout=5):
        try:
            return exchange(self.port, "GET", "/readyz", timeout=timeout)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.is_ready():
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.05)
        return False

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60) if self.process else None
