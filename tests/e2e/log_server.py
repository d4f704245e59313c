#!/usr/bin/python3
"""A key broker's log, played: its answers as docs/PROTOCOL.md section 18.4 has them, made
with the standard library and openssl; and every way to lie about it.

Usage: log_server.py PORT KEY STRANGER_KEY

GET /v1/log/... as a broker. POST /play/WHAT[/N]:
  append/N   N entries more        clock/N     the time of the next heads
  fork/N     entry N is another    truncate/N  the log as it was with N entries
  erase/N    entry N is not shown, though the head has it
  swap/N     entries N and N+1 change places
  tamper/N   entry N is shown changed     lie  proofs are cut short    honest  no more
  stranger   heads are signed by another key       own  by the log's own
  name/TEXT  the log's name        mute  500 to all  speak
"""
import http.server
import os
import subprocess
import sys
import urllib.parse

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "interop")]
import cbor  # noqa: E402
from merkle_tree import path, root, sha256, subproof  # noqa: E402


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def raw_signature(der):
    at, raw = 2, b""
    for _ in range(2):
        size = der[at + 1]
        raw += int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(32, "big")
        at += 2 + size
    return raw


def sign_head(key, name, size, top, time):
    spki = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    protected = cbor.head(5, 2) + b"\x01\x26\x03" + cbor.enc("application/tobichi-log-head")
    payload = cbor.enc({0: 1, 1: name, 2: size, 3: top, 4: time, 5: spki})
    message = cbor.enc(["Signature1", protected, b"", payload])
    signature = raw_signature(openssl("dgst", "-sha256", "-sign", key, data=message))
    return b"\xd2\x84" + cbor.enc(protected) + b"\xa0" + cbor.enc(payload) + cbor.enc(signature)


def leaf_of(number, word="release"):
    return cbor.enc({0: 1, 1: 1, 2: 1795000000 + number, 3: number % 2 == 0, 4: os.urandom(16), 5: "kbs",
                     6: word, 7: f"default/key/{number}", 10: "alice", 11: "accepted",
                     14: {1: ["SNP-SIGNATURE"], 2: ["POLICY-TIER"]}})


class Log:
    def __init__(self, key, stranger):
        self.keys, self.key = (key, stranger), key
        self.name, self.leaves, self.time = "played log", [], 1795000000
        self.erased, self.tampered, self.lies, self.mute = set(), set(), False, False

    def play(self, what, value):
        number = int(value) if value.isdigit() else 0
        if what == "append":
            self.leaves += [leaf_of(len(self.leaves) + i) for i in range(number)]
        elif what == "clock":
            self.time = number
        elif what == "fork":
            self.leaves[number] = leaf_of(number, "forged")
        elif what == "truncate":
            del self.leaves[number:]
        elif what == "erase":
            self.erased.add(number)
        elif what == "tamper":
            self.tampered.add(number)
        elif what == "swap":
            self.leaves[number:number + 2] = self.leaves[number:number + 2][::-1]
        elif what in ("stranger", "own"):
            self.key = self.keys[what == "stranger"]
        elif what == "name":
            self.name = value
        elif what in ("mute", "speak"):
            self.mute = what == "mute"
        elif what in ("lie", "honest"):
            self.lies = what == "lie"
        else:
            return False
        return True

    def cut(self, hashes):
        return hashes[:-1] if self.lies else hashes

    def entries(self, first, count):
        shown = []
        for index in range(first, len(self.leaves)):
            leaf = self.leaves[index]
            if index in self.tampered:
                leaf = leaf_of(index, "tampered")
            if index not in self.erased and len(shown) < count:
                # The hash alone of every second one: it is somebody else's.
                shown.append(cbor.head(4, 3) + cbor.enc(index) + cbor.enc(sha256(b"\0" + leaf)) +
                             (cbor.enc(leaf) if index % 2 == 0 else b"\xf6"))
        return cbor.head(4, len(shown)) + b"".join(shown)

    def answer(self, what, query):
        if what == "head":
            return sign_head(self.key, self.name, len(self.leaves), root(self.leaves), self.time)
        if what == "leaves":
            return self.entries(query.get("from", 0), query.get("count", 100))
        if what == "inclusion":
            size, index = query["size"], query["index"]
            if index < size <= len(self.leaves):
                return cbor.enc([size, index, self.cut(path(index, self.leaves[:size]))])
        if what == "consistency":
            first, second = query["from"], query["to"]
            if first <= second <= len(self.leaves):
                hashes = subproof(first, self.leaves[:second], True) if first else []
                return cbor.enc([first, second, self.cut(hashes)])
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, kind="application/cbor"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        log, parts = self.server.log, urllib.parse.urlsplit(self.path)
        query = {name: int(value) for name, value in urllib.parse.parse_qsl(parts.query)}
        body = None
        if parts.path.startswith("/v1/log/") and self.headers.get("Accept") == "application/cbor":
            body = log.answer(parts.path[8:], query)
        if parts.path.startswith("/v1/log/evidence/"):
            # The same whatever is asked for: whoever asks has the digest.
            self.reply(200, b'{"evidence": "c29tZSBldmlkZW5jZQ"}', "application/json")
        elif log.mute:
            self.reply(404, b"{}", "application/json")
        elif body is None:
            self.reply(404, b"{}", "application/json")
        else:
            self.reply(200, body)

    def do_POST(self):
        words = self.path.split("/") + [""]
        good = words[1] == "play" and self.server.log.play(words[2], urllib.parse.unquote(words[3]))
        self.reply(200 if good else 404, b"done\n", "text/plain")


def main(port, key, stranger):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.log = Log(key, stranger)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
