"""Answers as Intel's PCS, a PCCS and AMD's KDS do, from the files that `vendors` wrote.

Usage: vendors.py FOLDER PORT [CERTIFICATE KEY]

The first part of a path says how: /ok/sgx/certification/v4/tcb?fmspc=... Each request is a
line of FOLDER/requests. With a certificate it speaks HTTPS.
"""
import ssl
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder = sys.argv[1]
seen = set()


def read(name):
    with open(f"{folder}/{name}", "rb") as file:
        return file.read()


def chain(name):
    """As in Intel's headers."""
    return urllib.parse.quote(read(name).decode())


def document(path, query):
    """(name of the file, content type, header, name of the chain)"""
    if path.endswith("/tcb"):
        kind = "tdx" if "/tdx/" in path else "sgx"
        return (f"{kind}-tcb", "application/json", "TCB-Info-Issuer-Chain", "tcb-chain")
    if path.endswith("/qe/identity"):
        kind = "tdx" if "/tdx/" in path else "sgx"
        return (f"{kind}-identity", "application/json", "SGX-Enclave-Identity-Issuer-Chain", "tcb-chain")
    if path.endswith("/pckcrl"):
        ca = query["ca"][0]
        return (f"{ca}-crl", "application/pkix-crl", "SGX-PCK-CRL-Issuer-Chain", f"{ca}-chain")
    if path.endswith("/rootcacrl"):
        return ("root-crl", "application/pkix-crl", None, None)
    if path.endswith("/cert_chain"):
        return ("vlek-chain" if "/vlek/" in path else "amd-chain", "application/x-pem-file", None, None)
    if path.endswith("/crl"):
        return ("amd-crl", "application/pkix-crl", None, None)
    if path.startswith("/vcek/v1/"):
        return ("vcek", "application/octet-stream", None, None)
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def refuse(self, status, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        with open(f"{folder}/requests", "a") as file:
            file.write(self.path + "\n")
        url = urllib.parse.urlsplit(self.path)
        mode, _, rest = url.path[1:].partition("/")
        found = document("/" + rest, urllib.parse.parse_qs(url.query))
        first = self.path not in seen
        seen.add(self.path)
        if mode == "429" and first:
            return self.refuse(429, [("Retry-After", "1")])
        if mode == "500" and first:
            return self.refuse(500)
        if mode == "503":
            return self.refuse(503)
        if mode == "redirect":
            return self.refuse(302, [("Location", "file:///etc/passwd")])
        if mode == "missing" or not found:
            return self.refuse(404)
        self.answer(mode, *found)

    def body_of(self, mode, name):
        if name == "sgx-tcb" and mode in ("bad-signature", "other-platform", "expired"):
            name = mode
        body = read(name)
        if mode == "pccs" and name.endswith("crl"):
            body = body.hex().encode()
        if mode == "garbage":
            body = b"{\"tcbInfo\":"
        return b"" if mode == "empty" else body

    def answer(self, mode, name, content_type, header, chain_name):
        body = self.body_of(mode, name)
        if mode == "pccs" and name.endswith("crl"):
            content_type = "text/html; charset=utf-8"
        if mode == "slow":
            time.sleep(1)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if mode == "type" else content_type)
        if header and mode != "no-chain":
            value = "%2" if mode == "bad-chain" else "no certificate" if mode == "no-pem" else chain(chain_name)
            for _ in range(2 if mode == "two-chains" else 1):
                self.send_header(header, value)
        if mode == "headers":
            for number in range(100):
                self.send_header(f"X-{number}", "x" * 1000)
        if mode == "huge":
            self.send_header("Content-Length", str(1 << 40))
        elif mode == "endless":
            self.send_header("Connection", "close")
        elif mode == "short":
            self.send_header("Content-Length", str(len(body) + 10))
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.send_body(mode, body)

    def send_body(self, mode, body):
        if mode == "stall":
            self.wfile.write(body[:10])
            self.wfile.flush()
            time.sleep(60)
        elif mode in ("huge", "endless"):
            try:
                for _ in range(100000):
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass
            self.close_connection = True
        else:
            self.wfile.write(body)
            self.close_connection = mode == "short"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", int(sys.argv[2])), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
