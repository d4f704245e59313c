"""A headless Chromium that a test looks with: the DevTools protocol over a pipe, by the
standard library alone. Pages are loaded, keys are pressed, and what a screen reader would
be told is read out.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import time

WAIT = 60  # seconds for one answer: the machine may be busy


class Failed(Exception):
    pass


def find():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return shutil.which(name)
    return None


class Browser:
    """key: SHA-256 of the SubjectPublicKeyInfo of the one server that is trusted."""

    def __init__(self, folder, key):
        self.number, self.events, self.rest = 0, [], b""
        read_in, self.write = os.pipe()
        self.read, write_out = os.pipe()
        self.process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" 3<&%d 4>&%d' % (read_in, write_out), "sh", find(),
             "--headless=new", "--no-sandbox", "--remote-debugging-pipe",
             "--user-data-dir=" + folder, "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-dev-shm-usage", "--no-proxy-server",
             "--window-size=1280,900",
             "--ignore-certificate-errors-spki-list=" + base64.b64encode(key).decode(),
             "about:blank"],
            pass_fds=(read_in, write_out), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_in)
        os.close(write_out)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "Audits"):
            self.call(domain + ".enable")

    def close(self):
        self.process.kill()
        self.process.wait()

    # ---- the pipe ----

    def receive(self, until):
        while b"\0" not in self.rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.read], [], [], left)[0]:
                raise Failed("the browser does not answer")
            some = os.read(self.read, 1 << 20)
            if not some:
                raise Failed("the browser has ended")
            self.rest += some
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        until = time.monotonic() + WAIT
        while True:
            got = self.receive(until)
            if got.get("id") == self.number:
                if "error" in got:
                    raise Failed("%s: %s" % (method, got["error"].get("message")))
                return got["result"]
            self.events.append(got)

    def wait_for(self, name):
        """The next event of that name."""
        until = time.monotonic() + WAIT
        while True:
            for at, event in enumerate(self.events):
                if event.get("method") == name:
                    return self.events.pop(at)
            self.events.append(self.receive(until))

    # ---- pages ----

    def forget(self, name):
        self.events = [e for e in self.events if e.get("method") != name]

    def go(self, url):
        self.forget("Page.loadEventFired")
        error = self.call("Page.navigate", url=url).get("errorText")
        if error:
            raise Failed("%s: %s" % (url, error))
        self.wait_for("Page.loadEventFired")

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failed("%s: %s" % (script[:80], result["exceptionDetails"]))
        return result["result"].get("value")

    def text(self):
        return self.run("document.body.innerText")

    def key(self, name, shift=False):
        code = {"Tab": 9, "Enter": 13, "Space": 32}[name]
        key = " " if name == "Space" else name
        text = {"Enter": "\r", "Space": " "}.get(name, "")
        common = {"key": key, "code": name, "windowsVirtualKeyCode": code,
                  "nativeVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def letter(self, letter):
        self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter,
                  windowsVirtualKeyCode=ord(letter.upper()))
        self.call("Input.dispatchKeyEvent", type="keyUp", key=letter,
                  windowsVirtualKeyCode=ord(letter.upper()))

    def type(self, text):
        self.call("Input.insertText", text=text)

    def press_and_load(self, name):
        self.forget("Page.loadEventFired")
        self.key(name)
        self.wait_for("Page.loadEventFired")

    def focused(self):
        """What has the focus, as people see it: "LINK Decisions", "SKIP", ..."""
        return self.run("""(() => { const e = document.activeElement;
            const label = e.labels && e.labels[0] ? e.labels[0].innerText : "";
            return e.tagName + " " + (label || e.innerText || "").trim(); })()""")

    def tab_to(self, wanted, most=60):
        """Presses Tab until that has the focus; what was on the way."""
        way = []
        for _ in range(most):
            self.key("Tab")
            way.append(self.focused())
            if way[-1] == wanted:
                return way
        raise Failed("Tab does not come to '%s': %s" % (wanted, way))

    def shot(self, path):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def size(self, width, height=900, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=False)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": name}])

    # ---- what a screen reader is told ----

    def tree(self):
        """[(role, name, properties)] of what is not ignored, in the page's order."""
        def value(part):
            return (part or {}).get("value", "")
        return [(value(n.get("role")), value(n.get("name")),
                 {p["name"]: value(p.get("value")) for p in n.get("properties", [])})
                for n in self.call("Accessibility.getFullAXTree")["nodes"]
                if not n.get("ignored")]

    def complaints(self):
        """What the browser has complained of so far: console, log, policy."""
        said = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded":
                said.append(params["entry"]["text"])
            elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                said.append(json.dumps(params)[:300])
            elif method == "Audits.issueAdded" and \
                    params["issue"]["code"] != "PerformanceIssue":
                said.append(json.dumps(params["issue"])[:300])
        return said
