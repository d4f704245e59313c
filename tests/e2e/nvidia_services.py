#!/usr/bin/python3
"""NVIDIA's services, played: nvidia_services.py FOLDER PORT

GET MODE/v1/rim/ID gives FOLDER/rims/ID in JSON; POST MODE/ is answered with the file of
FOLDER/ocsp whose certificate's number (the name's digits after the last dot) is in the
question. The mode: ok; missing (404); broken (500); huge; type (text/html); nonsense (no
JSON, no answer); bare (the file itself); other (another file). Each request is a line of
FOLDER/requests."""
import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder = sys.argv[1]


def integer(hexadecimal):
    """In DER, with tag and size: two bytes alone are now and then in a key's hash, too."""
    number = bytes.fromhex(hexadecimal)
    return bytes([2, len(number)]) + number


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def find(self, mode, path, question):
        """(document, content type)"""
        if question:
            names = sorted(os.listdir(f"{folder}/ocsp"))
            names = [name for name in names if integer(name.rsplit(".")[-1]) in question] or [None]
            name, kind = names[0] and f"ocsp/{names[0]}", "application/ocsp-response"
        else:
            name, kind = "rims/" + os.path.basename(path), "application/json"
            if mode == "other":
                name = "rims/" + sorted(os.listdir(f"{folder}/rims"))[-1]
        if not name or not os.path.exists(f"{folder}/{name}"):
            return None, kind
        with open(f"{folder}/{name}", "rb") as file:
            document = file.read()
        if not question and mode != "bare":
            document = json.dumps({"id": os.path.basename(path), "rim_format": "SWID",
                                   "rim": base64.b64encode(document).decode()}).encode()
        return document, kind

    def serve(self):
        question = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(f"{folder}/requests", "a") as file:
            print(self.command, self.path, self.headers.get("Content-Type"), len(question), file=file)
        mode, path = self.path[1:].split("/", 1)
        document, kind = self.find(mode, path, question)
        if question and self.headers.get("Content-Type") != "application/ocsp-request":
            self.answer(400)
        elif mode == "missing" or document is None:
            self.answer(404)
        elif mode == "broken":
            self.answer(500)
        elif mode == "huge":
            self.answer(200, b" " * (32 << 20), kind)
        elif mode == "type":
            self.answer(200, document, "text/html")
        elif mode == "nonsense":
            self.answer(200, b'{"rim": 7', kind)
        else:
            self.answer(200, document, kind)

    do_GET = do_POST = serve


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
print("ready", flush=True)
server.serve_forever()
