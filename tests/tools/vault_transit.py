#!/usr/bin/env python3
"""Answers as Vault's transit engine does (HTTP API of Vault 1.15), for tests: encrypt,
decrypt, keys. Its own cipher is a toy: only what goes over the wire is Vault's.

usage: vault_transit.py FOLDER
FOLDER/mode has one word, read for each request: ok, or what is to go wrong. FOLDER/seen
gets the body of each request. The token is s.right. Prints the port.
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

FOLDER = sys.argv[1]
KEYS = {}
TOKEN = "s.right"


def stream(key, nonce, size):
    out = b""
    while len(out) < size:
        out += hashlib.sha256(key + nonce + len(out).to_bytes(4, "big")).digest()
    return out[:size]


def seal(key, plain):
    nonce = os.urandom(12)
    body = bytes(a ^ b for a, b in zip(plain, stream(key, nonce, len(plain))))
    return nonce + body + hmac.digest(key, nonce + body, "sha256")[:16]


def unseal(key, sealed):
    nonce, body, tag = sealed[:12], sealed[12:-16], sealed[-16:]
    if len(sealed) < 28 or not hmac.compare_digest(tag, hmac.digest(key, nonce + body, "sha256")[:16]):
        return None
    return bytes(a ^ b for a, b in zip(body, stream(key, nonce, len(body))))


class Transit(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, value=None, raw=None, kind="application/json"):
        body = raw if raw is not None else b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def errors(self, status, *texts):
        self.answer(status, {"errors": list(texts)})

    def goes_wrong(self, mode):
        if mode == "sealed":
            self.errors(503, "Vault is sealed")
        elif mode == "broken":
            self.errors(500, "internal error")
        elif mode == "empty":
            self.answer(200)
        elif mode == "html":
            self.answer(200, raw=b"<html><body>proxy login</body></html>", kind="text/html")
        elif mode == "noise":
            self.answer(200, {"data": {"ciphertext": "vault:v1:", "plaintext": "!!"}})
        elif mode == "nothing":
            self.answer(200, {"data": {}})
        elif mode == "short":
            self.answer(200, {"data": {"ciphertext": "v1:AAAA", "plaintext": "AAAA"}})
        elif mode == "huge":
            self.answer(200, {"data": {"plaintext": "A" * (1 << 20), "ciphertext": "vault:v1:" + "A" * (1 << 20)}})
        elif mode == "redirect":
            self.send_response(307)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif mode == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "500")
            self.end_headers()
            self.wfile.write(b'{"data": {"ciph')
            self.close_connection = True
        elif mode == "stall":
            time.sleep(60)
        else:
            return False
        return True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(FOLDER + "/mode", encoding="ascii") as file:
            mode = file.read().strip()
        with open(FOLDER + "/seen", "ab") as file:
            file.write(self.path.encode() + b" " + body + b"\n")
        if self.goes_wrong(mode):
            return
        if self.headers.get("X-Vault-Token") != TOKEN:
            self.errors(403, "permission denied")
            return
        parts = self.path.split("/")
        if len(parts) != 5 or parts[1:3] != ["v1", "transit"]:
            self.errors(404, "no handler for route \"%s\"" % self.path)
            return
        try:
            getattr(self, "do_" + parts[3])(parts[4], json.loads(body), mode)
        except (ValueError, KeyError) as wrong:
            self.errors(400, str(wrong))

    def do_keys(self, name, _, mode):
        if mode == "may-not-make":
            self.errors(403, "permission denied")
            return
        KEYS.setdefault(name, os.urandom(32))
        self.answer(204)

    def do_encrypt(self, name, request, mode):
        if mode == "may-not-make" or name not in KEYS:
            if name not in KEYS:
                self.errors(400, "encryption key not found")
                return
        sealed = seal(KEYS[name], base64.b64decode(request["plaintext"], validate=True))
        text = "vault:v1:" + base64.b64encode(sealed).decode()
        self.answer(200, {"request_id": "1", "data": {"ciphertext": text, "key_version": 1}, "auth": None})

    def do_decrypt(self, name, request, mode):
        if mode == "key-replaced":
            KEYS[name] = os.urandom(32)
        if mode == "key-gone":
            KEYS.pop(name, None)
        if name not in KEYS:
            self.errors(400, "encryption key not found")
            return
        text = request["ciphertext"]
        if not text.startswith("vault:v1:"):
            self.errors(400, "invalid ciphertext: no prefix")
            return
        plain = unseal(KEYS[name], base64.b64decode(text[9:], validate=True))
        if plain is None:
            self.errors(400, "cipher: message authentication failed")
            return
        self.answer(200, {"data": {"plaintext": base64.b64encode(plain).decode()}})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # who asked did not want the rest


server = Server(("127.0.0.1", 0), Transit)
print(server.server_address[1], flush=True)
server.serve_forever()
