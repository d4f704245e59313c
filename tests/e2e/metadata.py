#!/usr/bin/python3
"""A cloud's metadata service, played: metadata.py PORT FOLDER

What it does says the file FOLDER/mode: ok; busy (twice 429, then ok); broken (500); large;
nonsense; other (JSON without the member); silent (no answer); redirect. What it was asked
goes to FOLDER/asked, a line each."""
import http.server
import json
import sys
import time

folder = sys.argv[2]
PATHS = {("POST", "/acc/tdquote"): "tdquote.json",
         ("GET", "/metadata/THIM/amd/certification"): "certification.json"}


class Service(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except BrokenPipeError:
            pass

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(f"{folder}/asked", "a") as file:
            print(self.command, self.path, self.headers.get("Metadata"), len(body), file=file)
        with open(f"{folder}/asked") as file:
            asked = len(file.readlines())
        with open(f"{folder}/mode") as file:
            mode = file.read().strip()
        name = PATHS.get((self.command, self.path))
        if mode == "silent":
            time.sleep(60)
        elif self.headers.get("Metadata") != "true" or not name:
            self.answer(400)
        elif self.command == "POST" and set(json.loads(body)) != {"report"}:
            self.answer(400)
        elif mode == "busy" and asked < 3:
            self.answer(429, Retry_After="1")
        elif mode == "broken":
            self.answer(500)
        elif mode == "redirect":
            self.answer(302, Location="http://127.0.0.1:1/")
        elif mode == "large":
            self.answer(200, b" " * (1 << 20))
        elif mode == "nonsense":
            self.answer(200, b'{"vcekCert": "-----BEGIN')
        elif mode == "other":
            self.answer(200, b'{"error": "none"}')
        else:
            with open(f"{folder}/{name}", "rb") as file:
                self.answer(200, file.read())

    do_GET = do_POST = serve

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Service).serve_forever()
