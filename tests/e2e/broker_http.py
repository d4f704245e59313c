#!/usr/bin/python3
"""The broker's server from outside: curl, raw bytes over TLS, signals, and its end.

Usage: broker_http.py BUILD-FOLDER
"""
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.path.abspath(sys.argv[1])
TOBICHI = f"{BUILD}/cli/tobichi"
BROKER = f"{BUILD}/daemons/broker/tobichi-broker"
WORK = tempfile.mkdtemp()
MARK = "s3cret-that-no-log-may-have"
failed = []
started = []
HELLO = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def check(name, good, told=""):
    print(f"{'ok' if good else 'FAILED'}: {name}{'' if good else f'  {told!r}'}")
    if not good:
        failed.append(name)


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


class Broker:
    """One that runs, with what it has said."""

    def __init__(self, config, **environment):
        self.lines = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen([TOBICHI, "broker", "serve", "--config", config],
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
        started.append(self.process)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if not self.wait_for("ready"):
            sys.exit(f"the broker does not start: {self.lines}")

    def read(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()

    def count(self, event):
        return sum(f'"event":"{event}"' in line for line in self.lines)

    def wait_for(self, event, times=1):
        with self.changed:
            return self.changed.wait_for(lambda: self.count(event) >= times, 60)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(60)
        self.reader.join(10)
        return status


def connect(port, context=None, name="localhost"):
    plain = socket.create_connection(("127.0.0.1", port), 30)
    return context.wrap_socket(plain, server_hostname=name) if context else plain


def trusting(path):
    context = ssl.create_default_context(cafile=path)
    context.set_alpn_protocols(["http/1.1"])
    return context


def read_reply(stream):
    """(status, head, body) of one reply; status 0 when the other side closed first."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = stream.recv(1)
            if not more:
                return 0, data, b""
            data += more
        length = re.search(rb"\r\nContent-Length: (\d+)", data)
        body = b""
        while length and len(body) < int(length[1]):
            more = stream.recv(int(length[1]) - len(body))
            if not more:
                return 0, data, body
            body += more
    except (ConnectionError, ssl.SSLError):
        return 0, data, b""
    return int(data.split(b" ", 2)[1]), data, body


def is_closed(stream):
    try:
        stream.sendall(HELLO)
        return read_reply(stream)[0] == 0
    except (ConnectionError, ssl.SSLError):
        return True


def ask(port, context, data):
    stream = connect(port, context)
    try:
        stream.sendall(data)
    except (ConnectionError, ssl.SSLError):
        pass
    reply = read_reply(stream)
    closed = is_closed(stream)
    stream.close()
    return (*reply, closed)


def head(line, *headers):
    return "\r\n".join([line, "Host: localhost", *headers, "", ""]).encode("utf-8", "surrogateescape")


# What nobody could read in two ways is asked for as "200" or "404"; all else closes.
ABUSE = [
    ("two lengths", 400, head("POST /kbs/v0/auth HTTP/1.1", "Content-Length: 4", "Content-Length: 0") + b"GET "),
    ("length and chunks", 400, head("POST /kbs/v0/auth HTTP/1.1", "Content-Length: 4", "Transfer-Encoding: chunked")
     + b"0\r\n\r\n"),
    ("chunks", 411, head("POST /kbs/v0/auth HTTP/1.1", "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    ("chunks in disguise", 400, head("POST /kbs/v0/auth HTTP/1.1", "Transfer-Encoding : chunked", "Content-Length: 4")),
    ("a length with a sign", 400, head("POST /kbs/v0/auth HTTP/1.1", "Content-Length: +4")),
    ("a length in hexadecimal", 400, head("POST /kbs/v0/auth HTTP/1.1", "Content-Length: 0x4")),
    ("a length over any", 413, head("POST /kbs/v0/auth HTTP/1.1", "Content-Length: 99999999999999999999")),
    ("a huge body", 413, head("POST /kbs/v0/auth HTTP/1.1", "Content-Length: 999999999")),
    ("a packed body", 415, head("POST /kbs/v0/auth HTTP/1.1", "Content-Length: 4", "Content-Encoding: gzip") + b"abcd"),
    ("no host", 400, b"GET /healthz HTTP/1.1\r\n\r\n"),
    ("two hosts", 400, head("GET /healthz HTTP/1.1", "Host: other")),
    ("a host with a path", 400, b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("another's address", 400, head("GET http://other/healthz HTTP/1.1")),
    ("a folded line", 400, head("GET /healthz HTTP/1.1", "X: a", " b")),
    ("line feeds alone", 400, b"GET /healthz HTTP/1.1\nHost: localhost\n\r\n\r\n"),
    ("a carriage return alone", 400, head("GET /healthz HTTP/1.1", "X: a\rInjected: b")),
    ("a zero byte in a header", 400, head("GET /healthz HTTP/1.1", "X: a\0b")),
    ("a zero byte in the path", 400, head("GET /healthz%00 HTTP/1.1")),
    ("two cookies", 400, head("GET /healthz HTTP/1.1", "Cookie: a=b", "Cookie: kbs-session-id=c")),
    ("two authorizations", 400, head("GET /v1/whoami HTTP/1.1", "Authorization: Bearer a", "authorization: Bearer b")),
    ("bytes that are no text", 400, head("GET /healthz HTTP/1.1", "X: \udcff\udcfe")),
    ("dot segments", 400, head("GET /kbs/v0/resource/../../../etc/passwd HTTP/1.1")),
    ("encoded dot segments", 400, head("GET /kbs/v0/resource/%2e%2e/a/b HTTP/1.1")),
    ("encoded slashes", 400, head("GET /kbs/v0/resource/a%2fb/c/d HTTP/1.1")),
    ("backslashes", 400, head("GET /kbs/v0/resource/..\\..\\a HTTP/1.1")),
    ("empty segments", 400, head("GET //healthz HTTP/1.1")),
    ("overlong UTF-8", 400, head("GET /%c0%afhealthz HTTP/1.1")),
    ("half a surrogate", 400, head("GET /%ed%a0%80 HTTP/1.1")),
    ("raw bytes in the path", 400, head("GET /h\udcc3\udca9 HTTP/1.1")),
    ("a broken escape", 400, head("GET /healthz%4 HTTP/1.1")),
    ("a line end in the path", 400, head("GET /healthz%0d%0aSet-Cookie:%20a=b HTTP/1.1")),
    ("a fragment", 400, head("GET /healthz#a HTTP/1.1")),
    ("no version", 400, b"GET /healthz\r\n\r\n"),
    ("version 2", 505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("an unknown method", 501, head("BREW /healthz HTTP/1.1")),
    ("TRACE", 405, head("TRACE /healthz HTTP/1.1")),
    ("CONNECT", 405, head("CONNECT localhost:1 HTTP/1.1")),
    ("another expectation", 417, head("POST /kbs/v0/auth HTTP/1.1", "Expect: 200-maybe", "Content-Length: 2") + b"{}"),
    ("a huge header", 431, head("GET /healthz HTTP/1.1", "X: " + "a" * 20000)),
    ("a huge cookie", 431, head("GET /healthz HTTP/1.1", "Cookie: kbs-session-id=" + "a" * 20000)),
    ("a hundred headers", 431, head("GET /healthz HTTP/1.1", *[f"X-{i}: a" for i in range(100)])),
    ("a long target", 414, head("GET /" + "a" * 5000 + " HTTP/1.1")),
]
HARMLESS = [
    ("text from right to left", 404, head("GET /%e2%80%ae%d7%90 HTTP/1.1")),
    ("an escape of an escape", 404, head("GET /%252e%252e/healthz HTTP/1.1")),
    ("a query with a line end", 200, head("GET /healthz?a=%0d%0aSet-Cookie:%20b=c HTTP/1.1")),
    ("an unknown cookie", 200, head("GET /healthz HTTP/1.1", "Cookie: a=\"; b=%00; kbs-session-id='--")),
    ("its own address", 200, head("GET https://localhost/healthz HTTP/1.1")),
    ("an old version", 200, head("GET /healthz HTTP/1.0", "Connection: keep-alive")),
    ("an offer of another protocol", 200, head("GET /healthz HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c")),
    ("metrics at the wrong door", 404, head("GET /metrics HTTP/1.1")),
]


def check_abuse(port, context):
    for name, status, data in ABUSE:
        told, lines, body, closed = ask(port, context, data)
        check(f"{name}: {status}", told == status and closed, (told, closed, body))
        check(f"{name}: nothing of it in the reply", b"Injected" not in lines and b"Set-Cookie" not in lines, lines)
    for name, status, data in HARMLESS:
        told, lines, body, closed = ask(port, context, data)
        check(f"{name}: {status}", told == status and not closed, (told, closed, body))
        check(f"{name}: no cookie is set", b"Set-Cookie" not in lines, lines)


def check_smuggling(port, context):
    """What a proxy might take for one request's body is never another request."""
    stream = connect(port, context)
    stream.sendall(head("GET /healthz HTTP/1.1", "Content-Length: 49") + HELLO)
    told = read_reply(stream)[0]
    check("the body of a page is not a request", told == 200 and is_closed(stream), told)
    stream.close()


def check_tls(port, pem, folder):
    old = trusting(pem)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    h2 = trusting(pem)
    h2.set_alpn_protocols(["h2"])
    for name, context in (("TLS 1.2", old), ("HTTP/2 alone", h2)):
        try:
            connect(port, context).close()
            check(f"{name} is refused", False)
        except ssl.SSLError as error:
            check(f"{name} is refused", True, error)
    try:
        connect(port, ssl.create_default_context()).close()
        check("whom nobody trusts is not believed", False)
    except ssl.SSLCertVerificationError:
        check("whom nobody trusts is not believed", True)
    plain = connect(port)
    plain.sendall(HELLO)
    check("plain HTTP gets no page", b"ok" not in read_reply(plain)[1])
    plain.close()
    junk = connect(port)
    junk.sendall(b"\x16\x03\x01\xff\xff" + b"\0" * 2000)
    check("junk is not answered", read_reply(junk)[0] == 0)
    junk.close()
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=c",
        "-keyout", f"{folder}/client.key", "-out", f"{folder}/client.pem")
    client = trusting(pem)
    client.load_cert_chain(f"{folder}/client.pem", f"{folder}/client.key")
    check("a client's certificate is taken, whoever signed it", ask(port, client, HELLO)[0] == 200)


def check_curl(port, metrics, pem):
    said = run("curl", "-sS", "-i", "--cacert", pem, f"https://localhost:{port}/healthz").stdout
    check("curl: health", said.startswith("HTTP/1.1 200 ") and said.endswith("ok\n"), said)
    for name in ("Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Strict-Transport-Security: ",
                 "Content-Security-Policy: default-src 'none'", "Referrer-Policy: no-referrer"):
        check(f"curl: {name}", name in said, said)
    said = run("curl", "-sS", "--cacert", pem, f"https://localhost:{port}/readyz").stdout
    check("curl: readiness", json.loads(said) == {"database": "ok", "keys": "ok"}, said)
    said = run("curl", "-sS", f"http://127.0.0.1:{metrics}/metrics").stdout
    check("curl: metrics", 'requests_total{route="readyz",code="2xx"} 1' in said, said)
    check("metrics: help and type of each", said.count("# HELP ") == said.count("# TYPE ") > 10)
    said = run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
               f"http://127.0.0.1:{metrics}/v1/whoami").stdout
    check("the listener for metrics administers nothing", said == "404", said)
    said = run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", pem, "-H",
               f"Authorization: Bearer {MARK}", "-b", f"kbs-session-id={MARK}",
               f"https://localhost:{port}/v1/whoami?{MARK}").stdout
    check("who is nobody is told so", said == "401", said)
    said = run("curl", "-sS", "-I", "--cacert", pem, f"https://localhost:{port}/healthz").stdout
    check("HEAD is refused", said.startswith("HTTP/1.1 405 ") and "Allow: " in said, said)


def check_slow(port, context):
    starts = (("head", b"GET /healthz HTTP/1.1\r\nX: "),
              ("body", head("POST /kbs/v0/auth HTTP/1.1", "Content-Length: 900")))
    for name, start in starts:
        stream = connect(port, context)
        stream.sendall(start)
        stream.settimeout(0.1)
        data, sent = b"", 0
        while b"\r\n\r\n" not in data and sent < 600:
            try:
                more = stream.recv(4096)
                if not more:
                    break
                data += more
            except TimeoutError:
                try:
                    stream.sendall(b"a")
                except OSError:
                    pass
                sent += 1
        check(f"a slow {name} is refused, whatever drips in", data.startswith(b"HTTP/1.1 408 "), data)
        stream.close()
    quiet = connect(port)
    quiet.settimeout(60)
    check("who says nothing is sent away", quiet.recv(1) == b"")
    quiet.close()


def connect_served(port, context):
    """A connection that has asked once: who says nothing is sent away after head-seconds."""
    stream = connect(port, context)
    stream.sendall(HELLO)
    told = read_reply(stream)[0]
    check("a connection is served", told == 200, told)
    return stream


def check_crowd(port, context, most):
    held = [connect_served(port, context) for _ in range(most)]
    check("as many connections as are allowed are served",
          all(stream.sendall(HELLO) is None and read_reply(stream)[0] == 200 for stream in held))
    refused = False
    try:
        with connect(port, context) as stream:
            stream.sendall(HELLO)
            refused = read_reply(stream)[0] == 0
    except OSError:
        refused = True
    check("one more is not", refused)
    held.pop().close()
    for _ in range(100):
        try:
            if ask(port, context, HELLO)[0] == 200:
                break
        except OSError:
            time.sleep(0.1)
    else:
        check("when one has gone, another may come", False)
    for stream in held:
        stream.close()


def check_rate(config, folder, port, context):
    """So few a second that any client is faster, however slow the machine."""
    slow = f"{folder}/slow.yaml"
    text = open(config, encoding="utf-8").read()
    open(slow, "w", encoding="utf-8").write(text.replace("client-rate: 200", "client-rate: 10"))
    broker = Broker(slow)
    stream = connect(port, context)
    told = 200
    for _ in range(5000):
        stream.sendall(HELLO)
        told, lines, _ = read_reply(stream)
        if told != 200:
            break
    check("who asks too often is told so", told == 429 and b"Retry-After: " in lines, told)
    time.sleep(1.5)
    stream.sendall(HELLO)
    told = read_reply(stream)[0]
    check("and may ask again later, on the same connection", told == 200, told)
    stream.close()
    broker.end()


def certificate_of(port, pem):
    with connect(port, trusting(pem)) as stream:
        return stream.getpeercert(True)


def check_reload(broker, port, folder):
    pem, old_pem = f"{folder}/tls.pem", f"{folder}/old.pem"
    shutil.copy(pem, old_pem)
    before = certificate_of(port, old_pem)
    kept = connect_served(port, trusting(old_pem))
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=new",
        "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{folder}/new.key", "-out", f"{folder}/new.pem")
    for bad, text in (("tls.pem", "no certificate"), ("tls.key", "no key")):
        good = open(f"{folder}/{bad}", encoding="ascii").read()
        open(f"{folder}/{bad}", "w", encoding="ascii").write(text)
        failures = broker.count("reload-failed")
        broker.process.send_signal(signal.SIGHUP)
        check(f"a broken {bad} is told", broker.wait_for("reload-failed", failures + 1))
        check(f"a broken {bad} changes nothing", certificate_of(port, old_pem) == before)
        open(f"{folder}/{bad}", "w", encoding="ascii").write(good)
    shutil.copy(f"{folder}/new.pem", pem)
    failures = broker.count("reload-failed")
    broker.process.send_signal(signal.SIGHUP)
    check("a certificate with another's key is told", broker.wait_for("reload-failed", failures + 1))
    shutil.copyfile(f"{folder}/new.key", f"{folder}/tls.key")
    broker.process.send_signal(signal.SIGHUP)
    check("good files are taken", broker.wait_for("reloaded"))
    check("new connections get the new certificate", certificate_of(port, pem) != before)
    kept.sendall(HELLO)
    check("a connection outlives it", read_reply(kept)[0] == 200)
    kept.close()


def check_notified(config, folder, port):
    """What systemd hears; and a policy and collateral that are read again."""
    address, entry = f"{folder}/notify", f"{folder}/entry.yaml"
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(address)
    heard.settimeout(60)
    policy = "version: 1\ntiers: [soft]\nimages: ['" + "ab" * 48 + "']\nidentity:\n  mode: any-instance\n"
    policy += "roots:\n  - tier: soft\n    anchors: |\n      " + open(f"{folder}/tls.pem", encoding="ascii").read().replace("\n", "\n      ") + "\n"
    open(entry, "w", encoding="utf-8").write(policy)
    text = open(config, encoding="utf-8").read()
    open(f"{folder}/entry-broker.yaml", "w", encoding="utf-8").write(
        text.replace("tls:\n", "tls:\n  min-version: '1.2'\n") + "entry: entry.yaml\n")
    said = run(BROKER, "--config", f"{folder}/entry-broker.yaml", "check")
    check("a policy for entry", said.returncode == 0, said)
    broker = Broker(f"{folder}/entry-broker.yaml", NOTIFY_SOCKET=address, WATCHDOG_USEC="400000")
    old = trusting(f"{folder}/tls.pem")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    check("TLS 1.2, where it is allowed", ask(port, old, HELLO)[0] == 200)
    check("systemd hears READY", heard.recv(100) == b"READY=1")
    check("and that it lives", heard.recv(100) == b"WATCHDOG=1")
    for text, event in ((policy + "frob: 1\n", "reload-failed"), (policy, "reloaded")):
        open(entry, "w", encoding="utf-8").write(text)
        broker.process.send_signal(signal.SIGHUP)
        check(f"a policy for entry: {event}", broker.wait_for(event))
    said = [data for data in iter(lambda: heard.recv(200), b"READY=1") if data != b"WATCHDOG=1"]
    check("systemd hears RELOADING", said and said[0].startswith(b"RELOADING=1\nMONOTONIC_USEC="), said)
    broker.process.send_signal(signal.SIGTERM)
    while heard.recv(200) != b"STOPPING=1":
        pass
    check("systemd hears STOPPING", broker.process.wait(60) == 0)
    heard.close()


def check_stop(broker, port, context):
    """Each request that was sent is answered whole, or its connection was closed before."""
    halves, answered, going = [], [0], threading.Event()

    def load():
        try:
            stream = connect(port, context)
            while True:
                stream.sendall(head("GET /readyz HTTP/1.1"))
                told, lines, _ = read_reply(stream)
                if told == 0:
                    if lines:
                        halves.append(lines)
                    return
                answered[0] += told == 200
                if answered[0] > 50:
                    going.set()
        except OSError:
            return

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    going.wait(60)
    status = broker.end()
    for thread in threads:
        thread.join(60)
    check("ended under load: well", status == 0 and broker.count("stopped") == 1, status)
    check("ended under load: no half reply", not halves and answered[0] > 50, (halves, answered))


def check_sandbox(broker):
    status = open(f"/proc/{broker.process.pid}/status", encoding="ascii").read()
    check("no new privileges", "NoNewPrivs:\t1" in status)
    check("no capability", "CapEff:\t0000000000000000" in status and "CapPrm:\t0000000000000000" in status)
    limits = open(f"/proc/{broker.process.pid}/limits", encoding="ascii").read()
    check("no dump", re.search(r"Max core file size +1 ", limits) is not None, limits)


def check_log(lines):
    good = True
    for line in lines:
        try:
            good = good and json.loads(line)["event"] != ""
        except (ValueError, KeyError):
            good = False
            print("  no JSON:", line)
    check("every line of the log is JSON", good and len(lines) > 20)
    check("no query, cookie or token is in the log", not any(MARK in line for line in lines))
    check("nothing in the log moves a terminal", not any(re.search(r"[^ -~\n]", line) for line in lines))
    check("what was refused is in the log", any('"event":"refused"' in line for line in lines))


def init(folder, *options):
    return run(TOBICHI, "broker", "init", folder, *options)


def check_init(folder, config):
    said = init(folder)
    check("a second init changes nothing", said.returncode == 2 and os.path.exists(config), said)
    bad = f"{WORK}/bad"
    said = init(bad, "--host", ":1")
    check("a wrong host: nothing is left", said.returncode == 2 and not os.path.exists(bad), said)
    said = init(bad, "--name", "it's")
    check("a quote in a value", said.returncode == 2 and not os.path.exists(bad), said)
    said = init(bad, "--keys", "nowhere:")
    check("unknown keys: nothing is left", said.returncode == 2 and not os.path.exists(f"{bad}/broker.yaml"), said)
    for wrong in (["--certificate", "a"], ["a", "b"], ["--frob"], ["--plain", "--certificate", "a", "--tls-key", "b"]):
        check(f"init {wrong}", init(*wrong).returncode == 2)
    for wrong in ([], ["frob"], ["serve", "--json"], ["status", "a"], ["serve", "--config", f"{WORK}/none"]):
        check(f"tobichi broker {wrong}", run(TOBICHI, "broker", *wrong).returncode == 2)
    check("tobichi-broker: a word too many", run(BROKER, "--config", config, "backup").returncode == 2)
    check("tobichi-broker check", run(BROKER, "--config", config, "check").returncode == 0)
    text = open(config, encoding="utf-8").read()
    for more in ("frob: 1\n", "log: loud\n", "limits:\n  workers: 0\n", "limits:\n  workers: 1e3\n", "plain: exposed\n",
                 "entry: /none\n", "name: again\n"):
        wrong = f"{folder}/wrong.yaml"
        open(wrong, "w", encoding="utf-8").write(text + more)
        said = run(BROKER, "--config", wrong, "check")
        check(f"a configuration with {more!r} is refused", said.returncode == 2 and '"failed"' in said.stderr, said)
        os.unlink(wrong)


def status_of(config):
    said = run(TOBICHI, "broker", "status", "--config", config, "--json")
    return said.returncode, json.loads(said.stdout or "{}")


def check_database(config, folder, port, context):
    """kill -9, a backup, and the way back."""
    broker = Broker(config)
    code, told = status_of(config)
    check("status: ready", code == 0 and told.get("ready") is True and told["log"]["size"] >= 0, (code, told))
    broker.process.kill()
    broker.process.wait(60)
    code, away = status_of(config)
    check("status: away", code == 1 and away.get("answers") == "away", (code, away))
    broker = Broker(config)
    check("after kill -9 it serves", ask(port, context, head("GET /readyz HTTP/1.1"))[0] == 200)
    check("and its log is what it was", status_of(config)[1]["log"]["size"] >= told["log"]["size"])
    backup = f"{folder}/backup.db"
    said = run(BROKER, "--config", config, "backup", backup)
    check("a backup while it runs", said.returncode == 0 and os.path.getsize(backup) > 0, said)
    said = run(BROKER, "--config", config, "backup", backup)
    check("a backup over another is refused", said.returncode == 2, said)
    check("the broker has ended", broker.end() == 0)
    check("the backup is whole",
          sqlite3.connect(backup).execute("PRAGMA integrity_check").fetchone() == ("ok",))
    for name in ("broker.db", "broker.db-wal", "broker.db-shm"):
        if os.path.exists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")
    shutil.copy(backup, f"{folder}/broker.db")
    broker = Broker(config)
    check("restored, it serves", ask(port, context, head("GET /readyz HTTP/1.1"))[0] == 200)
    broker.end()
    os.rename(f"{folder}/wrap.key", f"{folder}/lost.key")
    said = run(BROKER, "--config", config)
    check("without its wrap key it does not start", said.returncode == 2 and "wrap.key" in said.stderr, said)
    os.rename(f"{folder}/lost.key", f"{folder}/wrap.key")


def check_user():
    """Started by root, it becomes another; its files are that user's."""
    if os.geteuid() != 0:
        print("skipped: only root becomes another user")
        return
    os.chmod(WORK, 0o755)
    folder, (port,) = f"{WORK}/nobody", free_ports(1)
    said = init(folder, "--plain", "--listen", f"127.0.0.1:{port}", "--user", "nobody")
    check("init for another user", said.returncode == 0, said)
    broker = Broker(f"{folder}/broker.yaml")
    status = open(f"/proc/{broker.process.pid}/status", encoding="ascii").read()
    check("it is nobody", re.search(r"Uid:\t(\d+)\t\1\t\1\t\1\n", status) and "Uid:\t0\t" not in status, status)
    check("it has nobody's groups", "Groups:\t0" not in status, status)
    check("nobody serves", ask(port, None, head("GET /readyz HTTP/1.1"))[0] == 200)
    broker.end()
    text = open(f"{folder}/broker.yaml", encoding="utf-8").read()
    for wrong in (text.replace("user: 'nobody'\n", ""), text.replace("'nobody'", "no-such-user")):
        open(f"{folder}/wrong.yaml", "w", encoding="utf-8").write(wrong)
        said = run(BROKER, "--config", f"{folder}/wrong.yaml")
        check("root must say whom it becomes", said.returncode == 2 and "user" in said.stderr, said)


def main():
    folder, (port, metrics) = f"{WORK}/broker", free_ports(2)
    config, pem = f"{folder}/broker.yaml", f"{folder}/tls.pem"
    said = init(folder, "--listen", f"127.0.0.1:{port}", "--host", f"localhost:{port}", "--host", "127.0.0.1",
                "--metrics", f"127.0.0.1:{metrics}")
    check("tobichi broker init", said.returncode == 0 and "tobichi broker serve" in said.stdout, said)
    said = init(f"{WORK}/json", "--plain", "--json")
    check("as JSON", said.returncode == 0 and json.loads(said.stdout)["certificate"] is None and
          json.loads(said.stdout)["wrap_key"] == f"{WORK}/json/wrap.key", said)
    if failed:
        return 1
    for name in ("wrap.key", "token.key", "tls.key", "operator.key", "broker.db"):
        check(f"{name} is nobody else's", os.stat(f"{folder}/{name}").st_mode & 0o77 == 0)
    check_init(folder, config)
    with open(config, "a", encoding="utf-8") as file:
        file.write("limits:\n  client-connections: 20\n  client-rate: 200\n  client-burst: 400\n"
                   "  head-seconds: 2\n  body-seconds: 2\n  idle-seconds: 60\n")
    broker = Broker(config)
    context = trusting(pem)
    check_curl(port, metrics, pem)
    check_sandbox(broker)
    check_tls(port, pem, folder)
    check_abuse(port, context)
    check_smuggling(port, context)
    check_slow(port, context)
    check_crowd(port, context, 20)
    check_reload(broker, port, folder)
    lines = broker.lines
    check_stop(broker, port, trusting(pem))
    check_log(lines)
    check_rate(config, folder, port, trusting(pem))
    check_notified(config, folder, port)
    check_database(config, folder, port, trusting(pem))
    check_user()
    return 1 if failed else 0


try:
    result = main()
finally:
    for process in started:
        if process.poll() is None:
            process.kill()
    shutil.rmtree(WORK, ignore_errors=True)
print(f"{len(failed)} failed")
sys.exit(result)
