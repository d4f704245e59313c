"""What a hostile or dying client does to the service's control socket.

Usage: packets.py SOCKET IMAGE COMMAND: prints "ok NAME" or "FAILED NAME: why" a line.
"""
import os, socket, sys, time

from cbor import enc

SOCKET, IMAGE = sys.argv[1], sys.argv[2]

CONFIG = enc({0: 1})
FAULT, STARTED, EXITED, ENCLAVES, PLATFORM = 135, 129, 130, 131, 134


def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(SOCKET)
    s.settimeout(20)
    return s


def kind(packet):
    """The number at key 0, or None at the end."""
    if not packet:
        return None
    assert packet[0] >> 5 == 5 and packet[1:3] == b"\x00\x18", packet
    return packet[3]


def ask(data, fds=()):
    s = connect()
    socket.send_fds(s, [data], list(fds))
    return s, kind(s.recv(1 << 20))


def descriptors(count=4):
    image = os.open(IMAGE, os.O_RDONLY)
    null = os.open("/dev/null", os.O_RDWR)
    return [image] + [null] * (count - 1)


def launch(name="packets", ports=(), detach=False, config=CONFIG):
    return enc({0: 1, 1: name, 2: config, 3: list(ports), 4: detach})


def pieces(data):
    return [data[:i] for i in range(1, len(data))]


def refused(data, fds=()):
    s, got = ask(data, fds)
    assert got == FAULT, (data[:40], got)
    # One answer, and then the end: not two.
    assert s.recv(1 << 20) == b"", data[:40]
    s.close()


def enclaves():
    s, got = ask(enc({0: 3}))
    assert got == ENCLAVES
    s.close()
    s, got = ask(enc({0: 7}))
    s.close()
    return got == PLATFORM


# --- the tests
def test_garbage_is_refused():
    for data in (b"\xff" * 100, b"\0", b"hello", os.urandom(1000), b"\xbf\x00\x03\xff",
                 enc({0: 99}), enc({0: 0}), enc([]), enc({}), enc({1: 3}), enc({0: "3"})):
        refused(data)


def test_truncated_requests_are_refused():
    for whole in (launch(), enc({0: 4, 1: "12345678", 2: 0}), enc({0: 5, 1: "12345678"}),
                  enc({0: 6, 1: "12345678", 2: b"n" * 16})):
        for data in pieces(whole):
            refused(data, descriptors() if whole[2] == 1 else ())


def test_bytes_after_a_request_are_refused():
    for whole in (enc({0: 3}), enc({0: 7}), launch(), enc({0: 4, 1: "x", 2: 0})):
        refused(whole + b"\0", descriptors() if whole[2] == 1 else ())


def test_too_long_is_refused():
    refused(b"\0" * ((128 << 10) + 1))


def test_values_out_of_range_are_refused():
    refused(enc({0: 4, 1: "12345678", 2: 3601}))
    refused(enc({0: 6, 1: "12345678", 2: b"short"}))
    refused(enc({0: 6, 1: "12345678", 2: b"n" * 65}))
    refused(launch(name="n" * 65), descriptors())
    refused(launch(ports=[["127.0.0.1", 65536, 1]]), descriptors(5))
    refused(launch(ports=[["127.0.0.1", 1, 1]] * 17), descriptors())
    refused(launch(config=b"\xff"), descriptors())


def test_wrong_descriptors_are_refused():
    for count in (1, 3, 5, 20):
        refused(launch(), descriptors(count))
    refused(launch())
    null = os.open("/dev/null", os.O_RDWR)
    refused(launch(), [null] * 4)
    mine, theirs = socket.socketpair()
    refused(launch(), [mine.fileno()] * 4)
    # A descriptor that does not listen, for a port of the image.
    _, got = ask(launch(ports=[["127.0.0.1", 1, 8000]]), descriptors(5))
    assert got == FAULT, got


def test_more_descriptors_than_fit_are_refused():
    refused(enc({0: 3}), descriptors(60))


def test_signal_needs_a_launch():
    refused(enc({0: 2, 1: 15}))
    s, got = ask(enc({0: 3}))
    s.send(enc({0: 2, 1: 15}))
    assert kind(s.recv(1 << 20)) == FAULT


def test_a_second_request_is_refused():
    s, got = ask(enc({0: 3}))
    assert got == ENCLAVES
    s.send(enc({0: 3}))
    assert kind(s.recv(1 << 20)) == FAULT
    s.close()


def test_a_signal_out_of_range_is_refused_and_the_launch_goes_on():
    s, got = ask(launch(), descriptors())
    assert got == STARTED, got
    for number in (0, 32, 1000):
        s.send(enc({0: 2, 1: number}))
        assert kind(s.recv(1 << 20)) == FAULT, number
        break
    s.close()


def test_clients_that_die():
    for data in [b""] + pieces(launch())[::7] + [launch()]:
        s = connect()
        if data:
            socket.send_fds(s, [data], descriptors())
        s.close()
    s, got = ask(launch(), descriptors())
    assert got == STARTED
    s.close()
    # The half that listens is closed: STARTED has no taker.
    s = connect()
    s.shutdown(socket.SHUT_RD)
    socket.send_fds(s, [launch()], descriptors())
    time.sleep(0.2)
    s.close()


def test_many_idle_connections_do_not_end_it():
    crowd = [connect() for _ in range(600)]
    for s in crowd:
        s.close()


def main():
    failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            assert enclaves(), "the service does not answer"
            print("ok:", name, flush=True)
        except Exception as error:  # each failure is told, and the others run
            failed += 1
            print("FAILED: %s: %s %s" % (name, type(error).__name__, error), flush=True)
    return 1 if failed else 0


sys.exit(main())
