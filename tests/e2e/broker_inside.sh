#!/bin/sh
# The key broker as the program of an enclave, and its database outside: who runs it sees
# ciphertext only, its clients prove what they are to it and it to them.
# Usage: postgres.sh broker_inside.sh BUILD_FOLDER SOURCE_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
here=$(dirname "$0")
. "$here/lib.sh"
broker=$1/daemons/broker/tobichi-broker source=$2
plain=
trap '[ -z "$plain" ] || kill $plain 2>/dev/null; clean_up' EXIT
set -- $(free_ports 4)
port=$1 database=$2 local=$3 other=$4

# ---- the database: PostgreSQL on a Unix socket, and a TCP port for the enclave's courier ----
server=$(dirname "$TOBICHI_TEST_POSTGRES")
cat >relay.py <<'PROGRAM'
import socket, sys, threading
def pump(a, b):
    try:
        while part := a.recv(65536):
            b.sendall(part)
    except OSError:
        pass
    for one in (a, b):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
server = socket.create_server(("127.0.0.1", int(sys.argv[2])))
print("listening", flush=True)
while True:
    near, _ = server.accept()
    far = socket.socket(socket.AF_UNIX)
    far.connect(sys.argv[1])
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
PROGRAM
/usr/bin/python3 relay.py "$server/.s.PGSQL.5432" "$database" >relay.log 2>&1 &
plain=$!
check "the database can be reached" eventually grep -q listening relay.log

# ---- the images ----
for name in operator alice publisher; do "$tobichi" keygen -o "$name" >/dev/null; done
sed -e 's/NAME-OF-THIS-BROKER/broker-inside/' -e 's/dbname=broker/dbname=postgres/' \
	"$source/packaging/broker-enclave/broker.yaml" >broker.yaml
broker_image() { # NAME OPTION...
	image=$1
	shift
	TOBICHI=$tobichi TOBICHI_BROKER=$broker "$source/packaging/broker-enclave/build-image.sh" broker.yaml operator.pub \
		"127.0.0.1:$database" "$image.tobi" --quiet "$@"
}
check "the broker's image is built" exits 0 broker_image broker
check "inspect says who judges its clients" has "$("$tobichi" inspect broker.tobi)" "any; the program judges"
cat >fetch.py <<'PROGRAM'
# A client inside an enclave: its agent has verified the broker before the first byte, and
# has shown this enclave's evidence.
import http.client, sys
broker = http.client.HTTPConnection("127.0.0.1", 7000, timeout=30)
try:
    for name in sys.argv[1:]:
        broker.request("GET", "/v1/secret/" + name)
        answer = broker.getresponse()
        body = answer.read()
        print(name, answer.status, body.decode() if answer.status == 200 else "", flush=True)
except OSError as error:
    print("failed:", type(error).__name__, flush=True)
PROGRAM
client_image() { # NAME ARGUMENT...
	image=$1
	shift
	"$tobichi" build --quiet --tier soft --name "$image" --add "$work/fetch.py:/fetch.py" \
		--add "$work/broker.policy.yaml:/etc/broker.policy.yaml" \
		--egress "127.0.0.1:$port=7000,policy=/etc/broker.policy.yaml" -o "$image.tobi" \
		-- /usr/bin/python3 /fetch.py "$@"
}
check "a client's image names the broker's" exits 0 client_image client alice/key/db alice/key/none
check "another's as well" exits 0 client_image other alice/key/db

# ---- the broker runs; an operator and an owner come, who have proof of it ----
start_broker() { # IMAGE
	id=$("$tobichi" run --detach --publish "$port:8443" "$1.tobi")
}
ready() { "$tobichi" logs "$id" | grep -q '"event":"ready"'; }
start_broker broker
check "it makes its keys and is ready" eventually ready
connecting=
connect() {
	"$tobichi" connect "127.0.0.1:$port" --policy broker.policy.yaml --quiet --listen "127.0.0.1:$local" &
	connecting=$!
}
trap '[ -z "$plain" ] || kill $plain $connecting 2>/dev/null; clean_up' EXIT
connect
export TOBICHI_BROKER="http://127.0.0.1:$local"
check "the operator is known" eventually "$tobichi" owner whoami --key operator.key
check "an owner is added" exits 0 "$tobichi" owner add alice --owner-key alice.pub --repository alice --key operator.key
printf 'what nobody else may read' >secret
chmod 600 secret
check "the owner puts a secret" exits 0 "$tobichi" secret put alice/key/db secret --key alice.key
check "and its policy" exits 0 "$tobichi" secret put-policy alice/key/db client.policy.yaml --key alice.key

# ---- clients ----
check "the client that the policy names gets it" same "$("$tobichi" run client.tobi 2>&1)" "alice/key/db 200 what nobody else may read
alice/key/none 403 "
check "another does not, and is told the same of what is not there" same "$("$tobichi" run other.tobi 2>&1)" "alice/key/db 403 "
# The agent of a client fetches what its image waits for. (Not by cat: busybox hands a file's
# pages to the pipe, sendfile(), and the agent wipes them when the program has ended.)
"$tobichi" build --quiet --tier soft --secret db -o waits.tobi -- /bin/busybox head -c 1000 /run/secrets/db
sed '/^config-id:/d' waits.policy.yaml >waits.yaml
check "a policy for the repository" exits 0 "$tobichi" secret put-policy alice waits.yaml --key alice.key
waits() { "$tobichi" run --broker "127.0.0.1:$port" --broker-policy "$1" --broker-secrets alice/word waits.tobi; }
check "a secret of another type" exits 0 "$tobichi" secret put alice/word/db secret --key alice.key
check "an image that waits for it is given it by its agent" same "$(waits broker.policy.yaml 2>waits.log)" "what nobody else may read"
[ $failed = 0 ] || cat waits.log
check "not from a broker of another image" exits 2 timeout 60 "$tobichi" run --broker "127.0.0.1:$port" \
	--broker-policy client.policy.yaml --broker-secrets alice/word waits.tobi
cat >ask.py <<'PROGRAM'
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=30).status)
except urllib.error.HTTPError as error:
    print(error.code)
PROGRAM
check "who has proven nothing gets nothing" same "$(/usr/bin/python3 ask.py "$TOBICHI_BROKER/v1/secret/alice/key/db")" 403

# ---- sealed state, and a counter that who runs the client cannot turn back ----
cat >state.py <<'PROGRAM'
# Seals a state with the counter's value beside it, or opens one that somebody hands it.
import base64, http.client, json, subprocess, sys
def count(op):
    broker = http.client.HTTPConnection("127.0.0.1", 7000, timeout=30)
    broker.request("POST", "/v1/counter/alice/counter/volume", json.dumps({"op": op}))
    answer = broker.getresponse()
    body = answer.read()
    if answer.status != 200:
        sys.exit("status %d" % answer.status)
    return str(json.loads(body)["value"])
def tool(what, value, content):
    return subprocess.run(["/run/tobichi/tobichi", what, "--aad", value], input=content, stdout=subprocess.PIPE)
if sys.argv[1] == "save":
    print(base64.b64encode(tool("seal", count("increment"), sys.argv[2].encode()).stdout).decode())
else:
    opened = tool("unseal", count("read"), base64.b64decode(sys.argv[2]))
    print(opened.stdout.decode() if opened.returncode == 0 else "not the newest")
PROGRAM
"$tobichi" build --quiet --tier soft --add "$work/state.py:/state.py" --add "$work/broker.policy.yaml:/etc/broker.policy.yaml" \
	--egress "127.0.0.1:$port=7000,policy=/etc/broker.policy.yaml" -o state.tobi -- /usr/bin/python3 /state.py
sed '/^config-id:/d' state.policy.yaml >state.yaml
state() { "$tobichi" run --arg "$1" --arg "$2" state.tobi 2>/dev/null; }
check "without a policy there is no counter" same "$(state save nothing)" ""
check "a policy for counters" exits 0 "$tobichi" secret put-policy alice/counter state.yaml --key alice.key
old=$(state save 'ten coins')
check "a state is opened again" same "$(state load "$old")" "ten coins"
new=$(state save 'no coin')
check "the newer one is" same "$(state load "$new")" "no coin"
check "the old one is refused" same "$(state load "$old")" "not the newest"
check "the owner sees the counter" has "$("$tobichi" secret list-counters --key alice.key)" "2  image"

# ---- a certificate, whose key is made in the enclave ----
cat >certify.py <<'PROGRAM'
import http.client, subprocess, sys
subprocess.run(["/usr/bin/openssl", "genpkey", "-algorithm", "ED25519", "-out", "key"], check=True)
subprocess.run(["/usr/bin/openssl", "req", "-new", "-key", "key", "-subj", "/", "-config", "/openssl.cnf",
                "-addext", "subjectAltName=DNS:" + sys.argv[1], "-out", "csr"], check=True)
broker = http.client.HTTPConnection("127.0.0.1", 7000, timeout=30)
broker.request("POST", "/v1/certificate/alice/tls/web", open("csr").read())
answer = broker.getresponse()
body = answer.read().decode()
print(body if answer.status == 200 else "status %d" % answer.status, end="")
PROGRAM
printf '[req]\ndistinguished_name=name\n[name]\n' >openssl.cnf
"$tobichi" build --quiet --tier soft --add "$work/certify.py:/certify.py" --add "$work/openssl.cnf:/openssl.cnf" \
	--add /usr/bin/openssl --add "$work/broker.policy.yaml:/etc/broker.policy.yaml" \
	--egress "127.0.0.1:$port=7000,policy=/etc/broker.policy.yaml" -o certify.tobi -- /usr/bin/python3 /certify.py
sed '/^config-id:/d' certify.policy.yaml >certify.yaml
certify() { "$tobichi" run --arg "$1" certify.tobi 2>certify.log; }
check "a policy for certificates" exits 0 "$tobichi" secret put-policy alice/tls certify.yaml --key alice.key
check "is not enough" same "$(certify web.example)" "status 403"
echo '{"names": ["web.example"]}' >web.json
check "with a profile" exits 0 "$tobichi" certificate put-profile alice/tls web.json --key alice.key
certify web.example >web.pem
"$tobichi" certificate ca --key alice.key -o ca.pem
check "one is signed" exits 0 openssl verify -CAfile ca.pem -purpose sslserver -verify_hostname web.example web.pem
check "for no other name" same "$(certify evil.example)" "status 403"

# ---- who runs it ----
pg_dump -h "$server" -U broker postgres >dump
check "the database has the resource" has "$(cat dump)" alice
check "and nothing of the secret" hasnt "$(cat dump)" "nobody else"
check "nor in another form" hasnt "$(cat dump)" "$(printf 'what nobody else may read' | od -An -tx1 | tr -d ' \n')"

# ---- again, beside itself, and changed ----
first=$id
id=$("$tobichi" run --detach --publish "$other:8443" broker.tobi)
check "another enclave of this image opens the same keys" eventually ready
"$tobichi" stop "$id" >/dev/null
"$tobichi" stop "$first" >/dev/null
start_broker broker
check "the same image opens its keys again" eventually ready
check "its secrets are there" same "$("$tobichi" run client.tobi 2>&1 | head -1)" "alice/key/db 200 what nobody else may read"
check "the owner's sessions, too" eventually "$tobichi" secret list alice/key/db --key alice.key
"$tobichi" stop "$id" >/dev/null
# With status 2; a sanitizer, which cannot look for leaks in there, makes 1 of it.
ends() {
	said=$("$@" 2>&1)
	status=$?
	[ $status = 1 ] || [ $status = 2 ] || { echo "  exit status $status: $said"; return 1; }
}
echo "# another build" >>broker.yaml
mv broker.policy.yaml first.policy.yaml
check "a changed image is built" exits 0 broker_image changed
check "it cannot open the keys" ends "$tobichi" run --publish "$port:8443" changed.tobi
check "it says so" has "$said" "sealed"
# It gets a database of its own, and still nobody takes it for the first.
createdb -h "$server" -U broker fresh
sed -i 's/dbname=postgres/dbname=fresh/' broker.yaml
rm -f changed.*
check "one with another database is built" exits 0 broker_image changed
start_broker changed
check "it starts, with nothing in it" eventually ready
check "the client refuses it" same "$("$tobichi" run client.tobi 2>&1)" "failed: ConnectionResetError"
check "so does the owner" exits 1 timeout 20 "$tobichi" connect "127.0.0.1:$port" --policy first.policy.yaml -- echo x
check "by its image" has "$said" "POLICY-IMAGE"
"$tobichi" stop "$id" >/dev/null

# ---- keys for the publisher's newer images, too ----
createdb -h "$server" -U broker signed
sed -i -e 's/dbname=fresh/dbname=signed/' -e 's/enclave:image/enclave:signer/' broker.yaml
check "one for its publisher is built" exits 0 broker_image old --key publisher.key --product 7 --svn 1
start_broker old
check "it is ready" eventually ready
"$tobichi" stop "$id" >/dev/null
echo "# a newer build" >>broker.yaml
check "a newer one" exits 0 broker_image new --key publisher.key --product 7 --svn 2
start_broker new
check "opens its keys" eventually ready
"$tobichi" stop "$id" >/dev/null
check "another publisher's" exits 0 broker_image foreign --key alice.key --product 7 --svn 2
check "does not" ends "$tobichi" run --publish "$port:8443" foreign.tobi
check "as it is sealed to another" has "$said" "sealed to a signer who has not signed this image"
exit $failed
