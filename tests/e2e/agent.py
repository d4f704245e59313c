"""Plays the platform service, and a client, against the real agent.

Usage: agent.py AGENT. Exits 77 where no namespaces can be had.
"""
import hashlib, os, shutil, socket, ssl, struct, subprocess, sys, tempfile, threading, time

from cbor import dec, enc

AGENT = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp(prefix="tobichi-agent-")
os.chmod(FOLDER, 0o755)


def manifest(args, ports=(), secrets=(), output=1):
    machine = {"x86_64": "x86_64", "aarch64": "aarch64"}[os.uname().machine]
    return enc({0: 1, 1: "test", 2: machine,
                3: {0: "erofs", 1: 4096, 2: bytes(32), 3: bytes(48), 4: 0},
                4: list(args), 5: {"PATH": "/usr/bin:/bin"}, 6: {0: 1000, 1: 1000},
                7: sorted(ports), 8: [], 9: [],
                10: {0: 1 << 30, 1: 64, 2: 1000, 3: 256, 4: 1 << 20}, 11: False, 12: 0,
                13: 0, 14: [], 15: sorted(secrets), 16: "/", 17: output, 18: ""})


class Service:
    """The service's end of one agent's channel."""

    def __init__(self, image, launch=None, inner=(), reports=True, signers=()):
        self.mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listeners, self.reports, self.hashes = [], reports, []
        for _ in inner:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(64)
            self.listeners.append(listener)
        script = "mount -t tmpfs none /run && mkdir -m 755 /run/secrets /run/tobichi && exec \"$0\""
        self.process = subprocess.Popen(
            ["unshare", "-Urmpf", "--kill-child", "--mount-proc", "/bin/sh", "-c", script,
             AGENT], env={"PATH": os.environ["PATH"]}, pass_fds=[3],
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3), stdin=subprocess.DEVNULL)
        theirs.close()
        self.out, out = os.pipe()
        null = os.open("/dev/null", os.O_RDWR)
        config = enc({0: 1, 1: image, 2: launch or enc({0: 1}), 3: b"", 4: list(inner),
                      5: bytes(16), 6: list(signers)})
        socket.send_fds(self.mine, [config],
                        [null, out, out] + [l.fileno() for l in self.listeners])
        os.close(out)
        os.close(null)
        self.mine.settimeout(20)

    def port(self, index=0):
        return self.listeners[index].getsockname()[1]

    def send(self, message):
        self.mine.send(enc(message))

    def next(self):
        """The next message that is not a REPORT; these are answered."""
        while True:
            packet = self.mine.recv(1 << 21)
            if not packet:
                return None
            message, end = dec(packet)
            assert end == len(packet)
            if message[0] != 4:
                return message
            self.hashes.append(message[1])
            if self.reports:
                self.send({0: 5, 1: b"token over " + message[1]})
            else:
                self.send({0: 13, 1: 15, 2: "token", 3: "", 4: "not now"})

    def expect(self, kind):
        message = self.next()
        assert message and message[0] == kind, (kind, message)
        return message

    def serve(self):
        """Answers in the background until the end; the last messages are kept."""
        self.rest = []

        def loop():
            try:
                while True:
                    message = self.next()
                    if message is None:
                        return
                    self.rest.append(message)
            except OSError:
                pass
        self.thread = threading.Thread(target=loop, daemon=True)
        self.thread.start()

    def output(self):
        data = b""
        while True:
            part = os.read(self.out, 65536)
            if not part:
                return data
            data += part

    def says(self, text):
        """Waits for these first bytes of what the program prints."""
        data = b""
        while len(data) < len(text):
            part = os.read(self.out, len(text) - len(data))
            assert part, data
            data += part
        assert data == text, data

    def end(self, expected=None):
        status = self.process.wait(20)
        self.mine.close()
        os.close(self.out)
        for listener in self.listeners:
            listener.close()
        assert expected is None or status == expected, status


class Client:
    """tobichi-atls/1 without judging the evidence: the judging is tested elsewhere."""

    def __init__(self, port, protocol=None, alpn="tobichi-atls/1"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([alpn])
        raw = socket.create_connection(("127.0.0.1", port), 20)
        self.tls = context.wrap_socket(raw, suppress_ragged_eofs=False)
        offer = {0: 1, 1: 1, 2: os.urandom(32), 3: 1, 4: 0,
                 5: ["eat"]}
        if protocol:
            offer[6] = [protocol]
        transcript = self.send(offer)
        self.answer, frame = self.read()
        transcript += frame
        self.evidence, frame = self.read()
        if self.evidence[0] == 3:
            transcript += frame
            self.result, _ = self.read()
            self.send({0: 4, 1: 0, 2: hashlib.sha256(transcript).digest()})
        else:
            self.result = self.evidence

    def send(self, message):
        body = enc(message)
        frame = struct.pack(">I", len(body)) + body
        self.tls.sendall(frame)
        return frame

    def exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.tls.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def read(self):
        size = self.exactly(4)
        body = self.exactly(int.from_bytes(size, "big"))
        return dec(body)[0], size + body


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- the tests
def test_program_runs_and_its_status_comes_back():
    service = Service(manifest(["/bin/sh", "-c", "echo \"$0 $A $(id -u)\"; ls /proc/self/fd;"
                                "kill -9 $$"]),
                      enc({0: 1, 1: ["zero"], 2: {"A": "from launch"}}))
    ready = service.expect(2)
    assert ready[1] >> 11 & 1, "agent is not dumpable"
    assert service.expect(3)
    assert service.expect(12) == {0: 12, 1: 1, 2: 9}
    text = service.output().decode()
    assert text.startswith("zero from launch "), text
    service.end(0)


def test_missing_program_is_named():
    service = Service(manifest(["/nonexistent/server"]))
    service.expect(2)
    fault = service.expect(13)
    assert "/nonexistent/server is not in the image" in fault[4], fault
    service.end(1)


def test_launch_config_cannot_set_the_images_environment():
    service = Service(manifest(["/bin/true"]), enc({0: 1, 2: {"PATH": "/evil"}}))
    fault = service.expect(13)
    assert "PATH" in fault[4], fault
    service.end(1)


def test_hostile_config():
    good = manifest(["/bin/true"])
    for image in (good[:-1], good + b"\0", b"", b"\xff" * 100):
        service = Service(image)
        assert service.expect(13)[2] != ""
        service.end(1)


def test_stop_then_kill():
    service = Service(manifest(["/bin/sh", "-c", "trap '' TERM; echo set; while :; do sleep 1; done"]))
    service.expect(2)
    service.expect(3)
    service.says(b"set\n")
    started = time.monotonic()
    service.send({0: 11, 1: 1})
    assert service.expect(12) == {0: 12, 1: 1, 2: 9}
    assert 0.9 < time.monotonic() - started < 5
    service.end(0)


def test_signals_and_orphans():
    service = Service(manifest(["/bin/sh", "-c", "(sleep 100 &) ; trap 'exit 5' USR1; echo set;"
                                "while :; do sleep 0.1; done"]))
    service.expect(2)
    service.expect(3)
    service.says(b"set\n")
    service.send({0: 10, 1: 10})
    assert service.expect(12) == {0: 12, 1: 0, 2: 5}
    service.end(0)


def test_end_of_channel_ends_everything():
    service = Service(manifest(["/bin/sleep", "100"]))
    service.expect(2)
    service.expect(3)
    service.mine.close()
    assert service.output() == b""
    service.end()


def test_attest():
    service = Service(manifest(["/bin/sleep", "100"]))
    service.expect(2)
    service.expect(3)
    service.send({0: 8, 1: 77, 2: b"n" * 16})
    evidence = service.expect(9)
    assert evidence[1] == 77
    collection = dec(evidence[2])[0]
    claims = collection["claims"][1]
    assert dec(claims)[0]["nonce"] == b"n" * 16
    assert service.hashes == [hashlib.sha256(claims).digest()]
    assert collection["cpu"][1] == b"token over " + service.hashes[0]
    service.send({0: 11, 1: 0})
    service.expect(12)
    service.end(0)


def test_seal_and_counter():
    """The tool asks the agent, which asks the service; the key stays in the agent."""
    tool = "/run/tobichi/tobichi"
    service = Service(manifest(["/bin/sh", "-c", "echo hello | %s seal --aad x | %s unseal --aad x;"
                                "%s counter increment states; %s counter read --to signer states"
                                % (tool, tool, tool, tool)]), signers=[b"s" * 48])
    service.expect(2)
    service.expect(3)
    for _ in range(2):
        assert service.expect(6) == {0: 6, 1: 0, 2: b"", 3: 0, 4: "tobichi-seal/1"}
        service.send({0: 7, 1: b"k" * 32})
    assert service.expect(14) == {0: 14, 1: True, 2: 0, 3: b"", 4: "states"}
    service.send({0: 15, 1: 41, 2: True})
    assert service.expect(14) == {0: 14, 1: False, 2: 1, 3: b"s" * 48, 4: "states"}
    service.send({0: 13, 1: 10, 2: "counters", 3: "", 4: "rolled back"})
    assert service.expect(12) == {0: 12, 1: 0, 2: 1}
    out = service.output()
    assert out.startswith(b"hello\n41\n") and b"rolled back" in out, out
    service.end(0)


def test_answers_that_were_not_asked_for_end_it():
    for answer in ({0: 5, 1: b"token"}, {0: 7, 1: bytes(32)}, {0: 15, 1: 1, 2: False},
                   {0: 13, 1: 15, 2: "token", 3: "", 4: "not now"}):
        service = Service(manifest(["/bin/sleep", "100"]))
        service.expect(2)
        service.expect(3)
        service.send(answer)
        assert "what was not asked" in service.expect(13)[4]
        service.end(1)


def test_an_answer_to_another_question_ends_it():
    service = Service(manifest(["/bin/sh", "-c", "/run/tobichi/tobichi counter read a"]))
    service.expect(2)
    service.expect(3)
    service.expect(14)
    service.send({0: 7, 1: bytes(32)})
    assert "what was not asked" in service.expect(13)[4]
    service.end(1)


ECHO = """
import socket, sys, threading
def answer(connection):
    while True:
        data = connection.recv(65536)
        if not data:
            break
        connection.sendall(data)
    connection.sendall(b"bye")
    connection.close()
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
while True:
    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
"""


def echo_service(**more):
    inner = free_port()
    path = os.path.join(FOLDER, "echo.py")
    with open(path, "w") as out:
        out.write(ECHO)
    service = Service(manifest(["/usr/bin/python3", path, str(inner)], [inner]),
                      inner=[inner], **more)
    service.expect(2)
    service.expect(3)
    service.serve()
    return service


def test_session_carries_bytes_both_ways():
    service = echo_service()
    client = Client(service.port())
    claims = dec(client.evidence[1])[0]
    assert "tobichi-atls" in claims and len(claims["nonce"]) == 32
    assert client.result[1] == 0
    assert dec(client.evidence[2])[0]["cpu"][1] == \
        b"token over " + hashlib.sha256(client.evidence[1]).digest()
    data = os.urandom(1 << 20)
    for at in range(0, len(data), 64 << 10):
        part = data[at:at + (64 << 10)]
        client.tls.sendall(part)
        assert client.exactly(len(part)) == part
    others = [Client(service.port()) for _ in range(8)]
    for other in others:
        other.tls.sendall(b"hello")
    for other in others:
        assert other.exactly(5) == b"hello"
    service.send({0: 11, 1: 1})
    service.end(0)


def test_without_token_nothing_is_carried():
    service = echo_service(reports=False)
    client = Client(service.port())
    assert client.result[0] == 4 and client.result[1] != 0, client.result
    service.send({0: 11, 1: 1})
    service.end(0)


def test_garbage_from_the_network():
    service = echo_service()
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 100, b""):
        with socket.create_connection(("127.0.0.1", service.port())) as raw:
            raw.sendall(data)
    try:
        Client(service.port(), alpn="http/1.1")
        assert False, "another ALPN was served"
    except (OSError, EOFError):
        pass
    client = Client(service.port())
    client.tls.sendall(b"still here")
    assert client.exactly(10) == b"still here"
    service.send({0: 11, 1: 1})
    service.end(0)


def test_secrets_start_the_program():
    inner = free_port()
    service = Service(manifest(["/bin/sh", "-c", "stat -c '%a' /run/secrets/key;"
                                "cat /run/secrets/key"], [inner], ["key"]), inner=[inner])
    service.expect(2)
    service.serve()
    client = Client(service.port(), "tobichi-secrets/1")
    assert client.answer[6] == "tobichi-secrets/1"
    client.send({0: 1, 1: "other", 2: b"x"})
    assert client.read()[0][1] == 1
    client.send({0: 1, 1: "key", 2: b"s" * (1 << 20) + b"x"})
    assert client.read()[0][1] == 3
    assert service.rest == []
    client.send({0: 1, 1: "key", 2: b"the secret"})
    assert client.read()[0] == {0: 3, 1: 0}
    assert service.output() == b"400\nthe secret"
    service.thread.join(20)
    assert [m[0] for m in service.rest] == [3, 12], service.rest
    service.end(0)


def test_hostile_secrets_frames_end_the_session():
    service = echo_service()
    for frame in (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x01\xff",
                  b"\0\0\0\x05\xa2\x00\x03\x01\x00"):
        client = Client(service.port(), "tobichi-secrets/1")
        client.tls.sendall(frame)
        try:
            client.read()
            assert False, frame
        except (OSError, EOFError):
            pass
    service.send({0: 11, 1: 1})
    service.end(0)


def test_only_the_owner_sends_secrets():
    inner = free_port()
    service = Service(manifest(["/bin/true"], [inner], ["key"]),
                      enc({0: 1, 3: b"o" * 48}), inner=[inner])
    service.expect(2)
    service.serve()
    client = Client(service.port(), "tobichi-secrets/1")
    client.send({0: 1, 1: "key", 2: b"x"})
    assert client.read()[0][1] == 4
    client.tls.unwrap()  # raises when the other side is only cut
    service.send({0: 11, 1: 1})
    service.thread.join(20)
    assert service.rest == [{0: 12, 1: 1, 2: 15}], service.rest
    service.end(0)


def main():
    probe = subprocess.run(["unshare", "-Urmpf", "--mount-proc", "true"],
                           capture_output=True, text=True, check=False)
    if probe.returncode:
        print("skipped: no namespaces: " + probe.stderr.strip())
        return 77
    failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (len(sys.argv) > 2 and sys.argv[2] not in name):
            continue
        try:
            test()
            print("ok", name, flush=True)
        except Exception as error:  # each failure is told, and the others run
            failed += 1
            print("FAILED %s: %s %s" % (name, type(error).__name__, error), flush=True)
    return 1 if failed else 0


try:
    sys.exit(main())
finally:
    shutil.rmtree(FOLDER)
