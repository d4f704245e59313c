#!/usr/bin/python3
"""Requests of those who mean harm, thousands, against a broker on SQLite and one on
PostgreSQL: each is refused or does nothing, is in the broker's log, and nothing leaks; good
requests are served between them. Then a stolen database is looked through.

Usage: postgres.sh broker_abuse.py BUILD-FOLDER
With TOBICHI_ABUSE_ALL each is sent to each; without, every third.
"""
import base64
import collections
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from urllib.parse import quote, unquote

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../interop"]
sys.dont_write_bytecode = True
import broker_corpus as corpus  # noqa: E402
import kbs_client as rcar  # noqa: E402
from broker_owner import Owner, b64url, compact  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
TOBICHI, BROKER = f"{BUILD}/cli/tobichi", f"{BUILD}/daemons/broker/tobichi-broker"
DATABASE, CONTROL = os.environ["TOBICHI_TEST_DATABASE"], os.environ["TOBICHI_TEST_POSTGRES"]
WORK = tempfile.mkdtemp()
SECRETS = {"red/key/one": b"a s3cret of alice, byte by byte \x01\xfe", "blue/hidden/two": b"what bob h1des from all"}
WAIT = 30  # a statement of the corpus that is carried out sleeps for a minute
GROWTH = 96 << 20
RANDOM = re.compile("[A-Za-z0-9+/_-]{40,}")  # a key, a digest or a signature, that may spell any short word
STEP = 1 if os.environ.get("TOBICHI_ABUSE_ALL") else 3
failed = []


def check(name, good, told=""):
    print(f"{'ok' if good else 'FAILED'}: {name}{'' if good else f'  {told!r}'}", flush=True)
    if not good:
        failed.append(name)


def run(*arguments, status=0):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != status:
        sys.exit(f"{arguments}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class Wire:
    """Raw bytes over TLS, on one connection as long as the broker keeps it."""

    def __init__(self, port, pem):
        self.port, self.stream, self.rest = port, None, b""
        self.context = ssl.create_default_context(cafile=pem)

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), WAIT)
        self.stream, self.rest = self.context.wrap_socket(plain, server_hostname="127.0.0.1"), b""

    def close(self):
        if self.stream:
            self.stream.close()
        self.stream = None

    def read(self, wanted, end):
        while not wanted(self.rest):
            more = self.stream.recv(65536)
            if not more:
                break
            self.rest += more
            if time.monotonic() > end:
                raise TimeoutError
        return self.rest

    def ask(self, data):
        """(status, head, body); 0 where it was closed without an answer."""
        if not self.stream:
            self.connect()
        end = time.monotonic() + WAIT
        try:
            self.stream.sendall(data)
        except (ConnectionError, ssl.SSLError):
            pass  # it may have answered before it had read all
        try:
            answer = self.read(lambda data: b"\r\n\r\n" in data, end)
            head, found, _ = answer.partition(b"\r\n\r\n")
            length = re.search(rb"\r\nContent-Length: (\d+)", head)
            size = len(head) + 4 + (int(length[1]) if length else 0)
            answer = self.read(lambda data: len(data) >= size, end)
        except (ConnectionError, ssl.SSLError):
            self.close()
            return 0, b"", b""
        self.rest = answer[size:]
        if not found:
            self.close()
            return 0, answer, b""
        if b"\r\nConnection: close" in head or self.rest:
            self.close()
        return int(head.split(b" ", 2)[1]), head, answer[len(head) + 4:size]


class Scene:
    """A broker with an operator, two owners and their secrets, and a guest."""

    def __init__(self, name, database, first):
        self.first = first % STEP
        self.name, self.folder, self.port = name, f"{WORK}/{name}", free_port()
        self.host, self.log_file = f"127.0.0.1:{self.port}", f"{WORK}/{name}.log"
        run(TOBICHI, "broker", "init", self.folder, "--host", self.host, "--listen", self.host, "--database",
            database or f"sqlite:{self.folder}/broker.db")
        with open(f"{self.folder}/broker.yaml", "a", encoding="utf-8") as file:
            file.write("limits:\n  rate: 0\n  client-rate: 0\n")
        self.wire = Wire(self.port, f"{self.folder}/tls.pem")
        self.counts, self.whole = collections.Counter(), 0
        self.process = None
        os.mkdir(f"{WORK}/{name}.guest")
        self.guest = rcar.Guest(f"{BUILD}/tests/tools/snp_report", f"{WORK}/{name}.guest")

    def start(self):
        with open(self.log_file, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([BROKER, "--config", f"{self.folder}/broker.yaml"], stderr=log)
        for _ in range(600):
            try:
                if self.wire.ask(self.plain("GET", "/readyz"))[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        self.whole += 1
        self.operator = Owner(f"{self.folder}/operator.key")
        self.owners = {}
        for who, repository in (("alice", "red"), ("bob", "blue")):
            run(TOBICHI, "keygen", "-o", f"{self.folder}/{who}")
            self.owners[who] = owner = Owner(f"{self.folder}/{who}.key")
            with open(f"{self.folder}/{who}.pub", encoding="ascii") as file:
                self.must(201, self.operator, "POST", "/v1/owners",
                          {"name": who, "keys": [file.read()], "repositories": [repository]})
            with open(f"{WORK}/{self.name}.guest/policy.yaml", encoding="utf-8") as file:
                self.must(200, owner, "PUT", f"/v1/policies/{repository}", {"policy": file.read()})
        for name, value in SECRETS.items():
            self.must(201, self.owners["alice" if name[0] == "r" else "bob"], "PUT", f"/v1/secrets/{name}",
                      {"value": base64.b64encode(value).decode()})

    # ---- requests ----

    def plain(self, method, target, body=b"", *lines):
        head = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", *lines]
        if body or method in ("POST", "PUT"):
            head.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*head, "", ""]).encode("utf-8", "surrogateescape") + body

    def signed(self, who, method, target, body=b"", meant=None, **other):
        """other: claims that are not as they should be; meant: the target as it is read."""
        claims = {**who.claims(self.host, method, meant or target, body), **other}
        return self.plain(method, target, body, "Authorization: Bearer " + who.sign(claims))

    def must(self, status, who, method, target, value=None):
        told = self.wire.ask(self.signed(who, method, target, compact(value) if value is not None else b""))
        self.whole += 1
        if told[0] != status:
            sys.exit(f"{method} {target}: {told}")
        return told[2]

    def released(self, name):
        client, key = rcar.Client(f"https://{self.host}", f"{self.folder}/tls.pem"), rcar.TeeKey("P-256")
        client.attest(self.guest, "snp", key)
        self.whole += 3
        return client.resource(name, key)

    def state(self):
        """All that abuse must leave as it is."""
        listed = [self.must(200, who, "GET", "/v1/secrets") for who in self.owners.values()]
        return [*listed, self.must(200, self.operator, "GET", "/v1/owners"),
                *[self.released(name) for name in SECRETS]]

    # ---- judging ----

    def judge(self, what, data, harmless=False):
        """Sends it. harmless: it may be served, as what is wrong in it means nothing."""
        try:
            status, head, body = self.wire.ask(data)
        except (OSError, TimeoutError) as error:
            self.wire.close()
            return self.bad(what, f"no answer: {error!r}")
        self.counts[status] += 1
        # Who asks only for health is not in the log.
        self.whole += status not in (0, 200) or b" /healthz" not in data[:20]
        good = status == 0 or 400 <= status < 500 or status in (501, 505) or \
            (harmless and status in (200, 303))
        wrong = complaints(data, head + b"\n" + body)
        if not good or wrong:
            self.bad(what, (status, wrong, body[:300]))

    def bad(self, what, why):
        self.counts["bad"] += 1
        if self.counts["bad"] <= 50:
            check(f"{self.name}: {what}", False, why)


def complaints(request, reply):
    """What a reply has that it must not have."""
    text = RANDOM.sub("", reply.decode("utf-8", "replace")).lower()
    asked = unquote(request.decode("utf-8", "replace")).lower()
    found = [word for word in corpus.TELLING if word in text and word not in asked]
    for name, value in SECRETS.items():
        for form in (value, base64.b64encode(value)[:-4], base64.urlsafe_b64encode(value)[:-4], value.hex().encode()):
            if form in reply:
                found.append("the secret " + name)
    if b"blue/hidden" in reply and b"blue/hidden" not in request:
        found.append("a name of bob's")
    if b"<script>alert" in reply or b"\nInjected:" in reply or b"\nSet-Cookie: a=b" in reply:
        found.append("an injection")
    return found


def check_the_judge():
    """A reply that leaks is seen, and one that echoes is not taken for it."""
    for name, reply, bad in (
            ("a secret", SECRETS["red/key/one"], True),
            ("a secret in base64", base64.b64encode(SECRETS["red/key/one"]), True),
            ("a secret in hexadecimal", SECRETS["blue/hidden/two"].hex().encode(), True),
            ("another's name", b'{"secrets":[{"name":"blue/hidden/two"}]}', True),
            ("an error of a database", b"SQLite: near \"OR\": syntax error", True),
            ("a path", b"cannot open /tmp/x/broker.db", True),
            ("a script", b"<p><script>alert(1)</script>", True),
            ("a signature that spells a word", b'{"signed":"' + b"sQl" * 40 + b'"}', False),
            ("an echo", b"a name like drop table is none", False)):
        check(f"a reply with {name} is {'seen' if bad else 'good'}",
              bool(complaints(b"GET /drop%20table", reply)) == bad, complaints(b"GET /drop%20table", reply))


# ---- families of abuse ----

ROUTES = [  # method, parts of the path, {} where something is put; who signs
    ("GET", "/v1/secrets/{}/key/one"), ("GET", "/v1/secrets/red/{}/one"), ("GET", "/v1/secrets/red/key/{}"),
    ("PUT", "/v1/secrets/red/key/{}"), ("DELETE", "/v1/secrets/red/key/{}"), ("POST", "/v1/secrets/red/{}/one/versions"),
    ("DELETE", "/v1/secrets/red/key/one/versions/{}"), ("GET", "/v1/policies/{}"), ("DELETE", "/v1/policies/{}"),
    ("PUT", "/v1/policies/red/{}"), ("GET", "/v1/owners/{}"), ("DELETE", "/v1/owners/{}/keys/a"),
    ("POST", "/v1/owners/{}/keys"), ("GET", "/v1/log/evidence/{}"), ("GET", "/kbs/v0/resource/red/key/{}"),
    ("GET", "/kbs/v0/resource/{}/key/one"), ("GET", "/kbs/v0/{}"), ("GET", "/decisions/{}"), ("GET", "/style/{}"),
    ("GET", "/policies/{}"), ("GET", "/{}"), ("GET", "/v1/secret/red/key/{}"), ("POST", "/v1/counter/red/key/{}"),
    ("POST", "/v1/certificate/red/key/{}"),
]
OPERATORS = [("GET", "/v1/owners/{}"), ("DELETE", "/v1/owners/{}"), ("POST", "/v1/owners/{}/repositories"),
             ("DELETE", "/v1/owners/alice/repositories/{}"), ("DELETE", "/v1/owners/alice/keys/{}")]
QUERIES = ["/v1/secrets?after={}", "/v1/owners?after={}", "/v1/log/leaves?from={}&count=1", "/v1/log/leaves?from=0&count={}",
           "/v1/log/inclusion?index={}&size=1", "/v1/log/consistency?from={}&to=1", "/login?token={}", "/v1/log/head?{}=1",
           "/healthz?a={}", "/decisions?after={}", "/resources?after={}", "/v1/secrets?{}=a"]


def in_paths(scene):
    alice = scene.owners["alice"]
    for who, routes in ((alice, ROUTES), (scene.operator, OPERATORS)):
        for method, route in routes:
            body = b"{}" if method in ("PUT", "POST") else b""
            for text in corpus.SQL + corpus.TWINS[:-1]:
                target = route.format(quote(text, safe=""))
                yield f"{method} {target}", scene.signed(who, method, target, body, route.format(text)), \
                    text in ("alice", "operator") or route == "/{}"
            for text in corpus.PATHS:
                target = route.format(text)
                yield f"{method} {target}", scene.signed(who, method, target, body), route == "/{}"
                yield f"{method} {target}, unsigned", scene.plain(method, target, body), route == "/{}"


def in_queries(scene):
    for who in (scene.owners["alice"], scene.operator, None):
        for route in QUERIES:
            for text in corpus.SQL + corpus.PATHS + corpus.TWINS[:-1] + ["-1", "99999999999999999999", "1e3", "0x1", ""]:
                target = route.format(quote(text, safe="%"))
                yield f"GET {target}", scene.signed(who, "GET", target) if who else scene.plain("GET", target), True


def in_headers(scene):
    for method, target, body in (("GET", "/healthz", b""), ("GET", "/v1/log/head", b""), ("GET", "/", b""), ("GET", "/login", b""),
                                 ("POST", "/kbs/v0/auth", b"{}"), ("GET", "/kbs/v0/resource/red/key/one", b""),
                                 ("PUT", "/v1/secrets/red/key/one", b"{}"), ("POST", "/login", b"token=a")):
        for line, harmless in corpus.HEADERS:
            # What might be taken for the next request.
            after = b"" if harmless or line.startswith("Content-Encoding") else b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
            if line == "Content-Length: 0" and not body or line.startswith("Content-Length: 4") and not body:
                continue
            # That nothing is packed is no harm.
            harmless = harmless or line.startswith("Content-Encoding") and not body
            yield f"{method} {target}, {line[:40]!r}", scene.plain(method, target, body, line) + after, harmless
        for cookie in corpus.COOKIES:
            yield f"{method} {target}, cookie {cookie[:40]!r}", scene.plain(method, target, body, f"Cookie: {cookie}"), True
        for text in corpus.SQL:
            for name in ("Authorization: Bearer ", "Authorization: ", "Cookie: kbs-session-id=", "X-Forwarded-For: ",
                         "User-Agent: ", "Referer: ", "Accept: ", "Origin: "):
                yield f"{method} {target}, {name}{text}", scene.plain(method, target, body, name + text), True
        for odd in corpus.METHODS:
            yield f"{odd[:20]!r} {target}", scene.plain(odd, target), False
    for text in corpus.SQL + corpus.PATHS:
        yield f"Host: {text}", f"GET /healthz HTTP/1.1\r\nHost: {text}\r\n\r\n".encode(), True
        yield f"target {text}", f"GET {text} HTTP/1.1\r\nHost: {scene.host}\r\n\r\n".encode(), False


def in_bodies(scene):
    alice, operator = scene.owners["alice"], scene.operator
    with open(f"{scene.folder}/bob.pub", encoding="ascii") as file:
        pem = file.read()
    jwk = rcar.TeeKey("P-256").jwk()
    places = [  # good but for what is changed; what is never good as a whole
        (alice, "PUT", "/v1/secrets/red/key/one", {"value": "YQ==", "expires": 1, "releases": 0, "policy": "x", "files": []}),
        (alice, "POST", "/v1/secrets/red/key/none/versions", {"value": "YQ==", "expires": 1, "releases": 0, "grace": -1}),
        (alice, "PUT", "/v1/policies/red", {"policy": "version: 9", "files": [{"name": "a", "content": "YQ=="}]}),
        (operator, "POST", "/v1/owners", {"name": "alice", "keys": [pem], "repositories": ["red"]}),
        (alice, "POST", "/v1/owners/alice/keys", {"key": pem}),
        (operator, "POST", "/v1/owners/alice/repositories", {"repository": "blue"}),
        (None, "POST", "/kbs/v0/auth", {"version": "9", "tee": "snp", "extra-params": ""}),
        (None, "POST", "/kbs/v0/attest", {"init-data": None, "runtime-data": {"nonce": "YQ==", "tee-pubkey": jwk},
                                          "tee-evidence": {"primary_evidence": {}, "additional_evidence": ""}}),
    ]
    for who, method, target, good in places:
        made = corpus.bodies(good)
        for what, body in [*made, *[(repr(body[:20]), body) for body in corpus.JSON]]:
            data = scene.signed(who, method, target, body) if who else scene.plain(method, target, body)
            yield f"{method} {target}: {what}", data, False
    for text in corpus.TWINS:
        body = json.dumps({"name": text, "keys": [pem]}).encode()
        yield f"an owner {text!r}", scene.signed(operator, "POST", "/v1/owners", body), False
        body = json.dumps({"repository": f"{text}/"}).encode()
        yield f"a repository {text!r}", scene.signed(operator, "POST", "/v1/owners/alice/repositories", body), False
    for body in [b"token=" + quote(text).encode() for text in corpus.SQL] + corpus.JSON:
        yield f"a form {body[:30]!r}", scene.plain("POST", "/login", body, f"Origin: https://{scene.host}",
                                                   "Content-Type: application/x-www-form-urlencoded"), False


def in_tokens(scene):
    alice, bob, target = scene.owners["alice"], scene.owners["bob"], "/v1/secrets"
    good = alice.claims(scene.host, "GET", target, b"")
    for name in good:
        for value in [*corpus.SQL, *corpus.VALUES, *corpus.TWINS[:-1]]:
            claims = {**alice.claims(scene.host, "GET", target, b""), name: value}
            # Any number of 16 characters will do.
            harmless = name == "jti" and isinstance(value, str) and len(value) >= 16
            yield f"claim {name}={str(value)[:30]!r}", with_token(scene, alice.sign(claims)), harmless
        yield f"no claim {name}", with_token(scene, alice.sign({k: v for k, v in good.items() if k != name})), False
    for header in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "ES256"}, {"alg": "' OR 1=1"}, {"alg": "ES384", "crit": ["a"]},
                   {"alg": "ES384", "jwk": {}}, {"alg": "ES384", "jku": "http://127.0.0.1/"}, {"alg": "ES384", "b64": False},
                   {"alg": "ES384", "x5u": "file:///etc/passwd"}, {"alg": ["ES384"]}, {"alg": None}, {}):
        token = alice.sign(alice.claims(scene.host, "GET", target, b""), {"typ": "tobichi-request+jwt", **header})
        yield f"header {header}", with_token(scene, token), "jwk" in header or "jku" in header or "x5u" in header or "b64" in header
    claims = alice.claims(scene.host, "GET", target, b"")
    unsigned = b64url(compact({"alg": "none", "typ": "tobichi-request+jwt"})) + "." + b64url(compact(claims)) + "."
    token = alice.sign(claims)
    for what, text in (("unsigned", unsigned), ("bob's signature", ".".join(token.split(".")[:2] + bob.sign(claims).split(".")[2:])),
                       ("no signature", token.rsplit(".", 1)[0] + "."), ("a zero signature", token.rsplit(".", 1)[0] + "." + "A" * 128),
                       ("four parts", token + ".a"), ("padding", token + "="), ("a space", token + " a"), ("nothing", "")):
        yield f"a token with {what}", with_token(scene, text), False


def with_token(scene, token):
    return scene.plain("GET", "/v1/secrets", b"", "Authorization: Bearer " + token)


def logged_in(scene):
    """The same to the pages of who is logged in."""
    alice = scene.owners["alice"]
    told = json.loads(scene.must(201, alice, "POST", "/v1/login"))
    form = told["path"].split("?")[1].encode()
    data = scene.plain("POST", "/login", form, f"Origin: https://{scene.host}", "Content-Type: application/x-www-form-urlencoded",
                       "Sec-Fetch-Site: same-origin")
    status, head, body = scene.wire.ask(data)
    scene.whole += 1
    cookie = re.search(rb"\r\nSet-Cookie: (__Host-tobichi=[^;]*)", head)
    check(f"{scene.name}: alice is logged in", status == 303 and cookie, (status, head, body))
    line = "Cookie: " + cookie[1].decode()
    status, _, body = scene.wire.ask(scene.plain("GET", "/resources", b"", line))
    scene.whole += 1
    check(f"{scene.name}: and sees hers", status == 200 and b"red" in body and b"blue/hidden" not in body, (status, body))
    for text in corpus.SQL + corpus.PATHS:
        for route in ("/decisions/{}", "/decisions?{}", "/decisions?before={}", "/decisions/{}/evidence", "/policies/{}", "/policies/red/{}",
                      "/resources?after={}", "/resources?{}=1", "/operator?a={}"):
            target = route.format(text if text in corpus.PATHS else quote(text, safe=""))
            yield f"logged in, {target}", scene.plain("GET", target, b"", line), True
        yield f"logged in, out with {text}", scene.plain("POST", "/logout", b"form=" + quote(text).encode(), line,
                                                         f"Origin: https://{scene.host}"), False


FAMILIES = [("paths", in_paths), ("queries", in_queries), ("headers and cookies", in_headers), ("JSON and Unicode", in_bodies),
            ("signed tokens", in_tokens), ("the web page", logged_in)]


def memory(process, field="VmRSS"):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(rf"{field}:\s+(\d+)", file.read())[1]) << 10


def is_instrumented():
    return "libasan" in run("ldd", BROKER)


def abuse(scene):
    before, held = scene.state(), []
    check(f"{scene.name}: secrets are released", before[-2:] == list(SECRETS.values()))
    size = memory(scene.process)
    for _ in range(20):
        slow = Wire(scene.port, f"{scene.folder}/tls.pem")
        slow.connect()
        slow.stream.sendall(scene.plain("POST", "/kbs/v0/attest", b"x" * 900000)[:500000])
        held.append(slow)
    for name, family in FAMILIES:
        sent = 0
        for number, (what, data, harmless) in enumerate(family(scene)):
            if number % STEP == scene.first:
                scene.judge(what, data, harmless)
                sent += 1
        now = scene.state()
        check(f"{scene.name}: {name}: {sent} requests, and all is as it was", now == before,
              [(was, is_) for was, is_ in zip(before, now) if was != is_])
        before = now
    for slow in held:
        slow.close()
    check(f"{scene.name}: no answer was wrong", not scene.counts["bad"], scene.counts["bad"])
    grown = memory(scene.process, "VmHWM") - size
    check(f"{scene.name}: memory is bounded", grown < GROWTH or is_instrumented(), grown)
    print(f"{scene.name}: answers: " + ", ".join(f"{count} of {status}" for status, count in
                                                 sorted(scene.counts.items(), key=str)) + f"; memory grew by {grown >> 20} MiB")


def check_log(scene):
    """Each answer has its line, or is counted in one."""
    time.sleep(1.1)  # another second, in which a line has what was left out
    scene.wire.close()
    scene.judge("the last", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n")
    with open(scene.log_file, "rb") as file:
        data = file.read()
    check(f"{scene.name}: no control byte is in the log", not re.search(rb"[^ -~\n]", data))
    lines, counted = [], 0
    for line in data.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            check(f"{scene.name}: each line is JSON", False, line)
    counted = sum(line["event"] in ("request", "refused") for line in lines) + sum(line.get("left_out", 0) for line in lines)
    check(f"{scene.name}: {scene.whole} answers, each in the log", counted >= scene.whole, (counted, len(lines)))
    check(f"{scene.name}: none failed within", not any(line["event"] in ("failed", "request-failed") for line in lines),
          [line for line in lines if line["event"] == "request-failed"][:3])
    check(f"{scene.name}: nothing was smuggled in", not any(line.get("path") == "/smuggled" for line in lines))
    check(f"{scene.name}: no secret is in it", not any(value in data for value in SECRETS.values()))


# ---- a stolen database ----

def check_stolen(scene, path, what):
    with open(path, "rb") as file:
        data = file.read()
    for name, value in SECRETS.items():
        forms = [value, value.hex().encode(), value.hex().upper().encode(), value.decode("latin-1").encode("utf-16-le")]
        for shift in range(3):  # base64 of it, wherever it begins
            text = base64.b64encode(b"\0" * shift + value + b"\0" * 3)
            forms += [text[4 * (shift > 0):-8], base64.urlsafe_b64encode(b"\0" * shift + value + b"\0" * 3)[4 * (shift > 0):-8]]
        check(f"{scene.name}: {name} is not in {what}", not any(form in data for form in forms))
    check(f"{scene.name}: {what} has its name, so it was looked through", b"hidden" in data)


def steal(scene, database):
    scene.process.send_signal(signal.SIGSTOP)
    stolen = f"{WORK}/{scene.name}.stolen"
    shutil.copytree(scene.folder, stolen)
    scene.process.send_signal(signal.SIGCONT)
    text = open(f"{stolen}/broker.yaml", encoding="utf-8").read()
    if not database:
        for name in os.listdir(stolen):
            if name.startswith("broker.db") and os.path.getsize(f"{stolen}/{name}") and "shm" not in name:
                with open(f"{stolen}/{name}", "rb") as file, open(f"{stolen}/all", "ab") as everything:
                    everything.write(file.read())
        check_stolen(scene, f"{stolen}/all", "file and write-ahead log")
    else:
        where = ["-h", os.path.dirname(CONTROL), "-U", "broker"]
        run("pg_dump", *where, "-f", f"{stolen}/dump", "postgres")
        check_stolen(scene, f"{stolen}/dump", "a dump")
        run("createdb", *where, "stolen")
        run("psql", *where, "-d", "stolen", "-q", "-f", f"{stolen}/dump")
        text = text.replace("dbname=postgres", "dbname=stolen")
    text = text.replace(f"{scene.folder}/", f"{stolen}/").replace(scene.host, f"127.0.0.1:{free_port()}")
    with open(f"{stolen}/broker.yaml", "w", encoding="utf-8") as file:
        file.write(text)
    with open(f"{stolen}/wrap.key", "w", encoding="ascii") as file:
        file.write("tobichi-wrap-key-1 " + os.urandom(32).hex() + "\n")
    said = run(BROKER, "--config", f"{stolen}/broker.yaml", status=2)
    check(f"{scene.name}: with another wrap key it is not opened", "nothing in the database can be opened" in said, said)
    check(f"{scene.name}: and what is said has no secret", not any(value.decode("latin-1") in said for value in SECRETS.values()))


def main():
    check_the_judge()
    for first, (name, database) in enumerate((("SQLite", None), ("PostgreSQL", DATABASE))):
        scene = Scene(name, database, first)
        try:
            scene.start()
            abuse(scene)
            check_log(scene)
            steal(scene, database)
            scene.process.terminate()
            check(f"{name}: it ends well", scene.process.wait(60) == 0)
        finally:
            if scene.process and scene.process.poll() is None:
                scene.process.kill()
                scene.process.wait()
            scene.guest.close()


try:
    main()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
print(f"{len(failed)} failed")
sys.exit(1 if failed else 0)
