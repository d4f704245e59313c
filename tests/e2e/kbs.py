#!/usr/bin/python3
"""The key-broker protocol over TLS, by a client that has none of the broker's code: keys of
all kinds, and what must not come out whatever a client does.

Usage: kbs.py BUILD-FOLDER
"""
import base64
import copy
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../interop")
sys.dont_write_bytecode = True
try:
    import kbs_client as rcar  # noqa: E402
except ImportError:
    print("skipped: python3-cryptography is not there")
    sys.exit(77)

TOBICHI = f"{BUILD}/cli/tobichi"
SECRET = b"a s3cret of alice, byte by byte: \x01\xfe"
ERRORS = "https://github.com/confidential-containers/kbs/errors/"
failed = []


def check(name, good, told=""):
    print(f"{'ok' if good else 'FAILED'}: {name}{'' if good else f'  {told!r}'}")
    if not good:
        failed.append(name)


def run(*arguments):
    done = subprocess.run([TOBICHI, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{arguments}: {done.stdout}{done.stderr}")


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def start(host):
    """A broker with an owner, and one secret for the guest of FOLDER/policy.yaml."""
    run("broker", "init", "broker", "--host", host, "--listen", host)
    broker = subprocess.Popen([TOBICHI, "broker", "serve", "--config", "broker/broker.yaml"],
                              stderr=open("broker.log", "w"))
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", int(host.split(":")[1]))).close()
            break
        except OSError:
            time.sleep(0.05)
    run("keygen", "-o", "alice")
    operator = ["--key", "broker/operator.key", "--tls-ca", "broker/tls.pem"]
    alice = ["--key", "alice.key", "--tls-ca", "broker/tls.pem"]
    run("owner", "add", "alice", "--owner-key", "alice.pub", "--repository", "red", *operator)
    with open(os.open("value", os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        file.write(SECRET)
    run("secret", "put", "red/key/one", "value", *alice)
    run("secret", "put-policy", "red", "guest/policy.yaml", *alice)
    return broker


class Session:
    """One conversation, each step as a test wants it."""

    def __init__(self, url, guest, kind="P-256"):
        self.client = rcar.Client(url, "broker/tls.pem")
        self.guest, self.key = guest, rcar.TeeKey(kind)
        self.jwk, self.additional, self.init_data = self.key.jwk(), "", None

    def ask(self, method, path, body=None, token=None):
        """(status, answer): never an exception."""
        try:
            return 200, self.client.request(method, path, body, token)
        except rcar.Refused as refused:
            text = str(refused).split(": ", 1)[1]
            return int(text[:3]), text[4:].encode()

    def challenge(self, tee="snp", version="0.4.0"):
        status, answer = self.ask("POST", "/auth", {"version": version, "tee": tee,
                                                    "extra-params": ""})
        if status == 200:
            self.nonce = json.loads(answer)["nonce"]
        return status, answer

    def attestation(self):
        runtime = {"nonce": self.nonce, "tee-pubkey": self.jwk}
        bound = hashlib.sha384(rcar.jcs({**runtime, "additional-evidence": self.additional})
                               .encode()).digest()
        return {"init-data": self.init_data, "runtime-data": runtime,
                "tee-evidence": {"primary_evidence": self.guest.evidence(bound),
                                 "additional_evidence": self.additional}}

    def attest(self, body=None):
        status, answer = self.ask("POST", "/attest", body or self.attestation())
        if status == 200:
            self.client.token = json.loads(answer)["token"]
        return status, answer

    def begun(self):
        self.challenge()
        status, answer = self.attest()
        assert status == 200, answer
        return self


def is_error(answer, status, name):
    try:
        body = json.loads(answer[1])
    except ValueError:
        return False
    return answer[0] == status and set(body) == {"type", "detail"} and \
        body["type"] == ERRORS + name


def keys(url, guest):
    for kind in ["P-256", "P-384", "P-521", "RSA"]:
        session = Session(url, guest, kind).begun()
        by_cookie = session.client.resource("red/key/one", session.key)
        by_token = session.client.resource("red/key/one", session.key, True)
        check(f"a key of {kind} opens the secret", by_cookie == by_token == SECRET)
    session = Session(url, guest)
    session.jwk["x-of-somebody"] = {"b": [1, 2], "a": "\u20ac\U0001f600\ufb33"}
    session.begun()
    check("what else a key says is hashed as it came",
          session.client.resource("red/key/one", session.key) == SECRET)


def first_messages(url, guest):
    session = Session(url, guest)
    for version in ["0.1.1", "0.2.0", "0.4.1", "", "9"]:
        check(f"version {version!r} is not spoken",
              is_error(session.challenge(version=version), 401, "AttestationError"))
    for tee in ["sample", "se", "", "snp\u0000"]:
        check(f"tee {tee!r} is not served",
              is_error(session.challenge(tee=tee), 401, "AttestationError"))


def swaps(url, guest):
    one, two = Session(url, guest), Session(url, guest)
    one.challenge()
    two.challenge()
    body = one.attestation()
    check("evidence of another session is refused",
          is_error(two.attest(body), 401, "AttestationError"))
    one.client.cookie, two.client.cookie = two.client.cookie, one.client.cookie
    check("with a cookie of another, too", is_error(one.attest(), 401, "AttestationError"))
    session = Session(url, guest)
    session.challenge()
    body = session.attestation()
    changed = copy.deepcopy(body)
    changed["runtime-data"]["tee-pubkey"] = rcar.TeeKey("P-256").jwk()
    check("a key of somebody else is refused",
          is_error(session.attest(changed), 401, "AttestationError"))
    changed = copy.deepcopy(body)
    changed["tee-evidence"]["primary_evidence"]["attestation_report"]["measurement"][0] ^= 1
    status, _ = session.attest(changed)
    answer = session.ask("GET", "/resource/red/key/one")
    check("a report that was changed gets nothing",
          status == 200 and is_error(answer, 401, "PolicyDeny"), answer)
    session = Session(url, guest).begun()
    check("a session is attested once", session.attest(body)[1].decode().count(
        session.client.token) == 1)
    session = Session(url, guest)
    session.challenge()
    session.jwk["alg"] = "RSA1_5"
    check("RSA1_5 is not taken", is_error(session.attest(), 401, "AttestationError"))
    session.jwk = {**session.key.jwk(), "n": 1.5}
    session.challenge()
    check("nor a number that two libraries could hash differently",
          is_error(session.attest(), 401, "AttestationError"))


def abuse(url, guest):
    session = Session(url, guest).begun()
    denied = session.ask("GET", "/resource/red/key/none")
    for name in ["red/key/absent", "blue/key/one", "red/nothing/one"]:
        check(f"{name} is answered as any other",
              session.ask("GET", "/resource/" + name) == denied)
    for path in ["red/key/one'--", "red/key/%27%20OR%201=1", "red/key/..%2fone", "red/%00/one",
                 "red/key/%e2%82%ac", "red/key/one%20", "red/.key/one"]:
        status, answer = session.ask("GET", "/resource/" + path)
        check(f"{path} names nothing", status in (400, 404) and SECRET not in answer, answer)
    for token in ["", "x", "a.b.c", session.client.token[:-2], session.client.token + "A",
                  base64.b64encode(b"a:b").decode()]:
        status, answer = session.ask("GET", "/resource/red/key/one", token=token or " ")
        check(f"token {token[:8]!r} is none", status in (400, 401), answer)
    cookie = session.client.cookie
    for value in [cookie + "0", cookie.upper(), cookie + "; " + cookie, cookie[:-1] + "'",
                  "kbs-session-id=" + "0" * 32]:
        session.client.cookie = value
        status, answer = session.ask("GET", "/resource/red/key/one")
        check(f"cookie {value[15:24]!r}.. is none", status in (400, 401), answer)
    session.client.cookie = cookie
    for body in ["[" * 5000, '{"a":' * 200 + "1" + "}" * 200, "\x00", '{"version":"0.4.0"' * 2,
                 '{"version":"0.4.0","tee":"snp","tee":"tdx"}', "1e400", '"\ud800"']:
        session.client.connection.close()
        session.client.connection.request("POST", "/kbs/v0/auth",
                                          body.encode("utf-8", "surrogatepass"))
        response = session.client.connection.getresponse()
        answer = response.read()
        check(f"{body[:12]!r} is no request", response.status in (400, 401, 413), answer)
    check("and it still gives", session.client.resource("red/key/one", session.key) == SECRET)


def main():
    work = tempfile.mkdtemp()
    os.chdir(work)
    os.mkdir("guest")
    guest = rcar.Guest(f"{BUILD}/tests/tools/snp_report", "guest")
    host = f"127.0.0.1:{free_port()}"
    os.environ["TOBICHI_BROKER"] = url = f"https://{host}"
    broker = start(host)
    try:
        for part in [keys, first_messages, swaps, abuse]:
            part(url, guest)
    finally:
        broker.terminate()
        broker.wait(60)
        guest.close()
    with open("broker.log", encoding="utf-8") as log:
        check("its log has no secret", "s3cret" not in log.read())
    shutil.rmtree(work)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
