#!/bin/sh
# Ways out of an enclave, and two enclaves that trust nobody but each other: mutual attested
# TLS, in which each side refuses what its measured policy does not name.
# Usage: mutual.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
plain=
trap '[ -z "$plain" ] || kill $plain 2>/dev/null; clean_up' EXIT

# ask.py PORT...: what the program hears at each port of its own loopback
cat >ask.py <<'PROGRAM'
import socket, sys
for port in sys.argv[1:]:
    try:
        with socket.create_connection(("127.0.0.1", int(port)), 20) as peer:
            peer.sendall(b"a question")
            try:
                peer.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # who resets may be faster: recv() says so
            heard = b""
            while part := peer.recv(4096):
                heard += part
        print(port, "heard", heard.decode() or "nothing", flush=True)
    except OSError as error:
        print(port, "failed:", type(error).__name__, flush=True)
PROGRAM
# answer.py ADDRESS PORT NAME: answers whoever connects, and says so
cat >answer.py <<'PROGRAM'
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listening", flush=True)
while True:
    peer, _ = server.accept()
    heard = b""
    while part := peer.recv(4096):
        heard += part
    print("heard", heard.decode(), flush=True)
    peer.sendall(b"answer of " + sys.argv[3].encode())
    peer.close()
PROGRAM
set -- $(free_ports 3)
outside=$1 b_port=$2 unlisted=$3
/usr/bin/python3 answer.py 127.0.0.1 "$outside" outside >outside.log &
plain=$!
check "the plain server listens" eventually grep -q listening outside.log

# build NAME OPTION... -- ARGUMENT...: NAME.tobi, of a program that asks
build() {
	name=$1
	shift
	"$tobichi" build --quiet --tier soft --add "$work/ask.py:/ask.py" --add "$work/answer.py:/answer.py" \
		-o "$name.tobi" "$@"
}
log() { cat "$work/run/service.log"; }

# ---- no egress; plain egress ----
build none -- /usr/bin/python3 /ask.py "$outside" "$b_port"
said=$("$tobichi" run none.tobi 2>&1)
check "no egress: the host's loopback is not there" same "$said" "$outside failed: ConnectionRefusedError
$b_port failed: ConnectionRefusedError"
check "no egress: the plain server heard nothing" same "$(grep -c heard outside.log)" 0

build plain --egress "127.0.0.1:$outside=7000" --egress "localhost:$outside=7001" \
	--egress "127.0.0.1:$unlisted=7002" -- /usr/bin/python3 /ask.py 7000 7001 7002 "$outside" 7003
check "inspect shows the ways out" has "$("$tobichi" inspect plain.tobi)" \
	"egress       127.0.0.1:$outside at port 7000, plain bytes"
said=$("$tobichi" run plain.tobi 2>&1)
check "egress: what is listed answers, by address and by name; the rest does not" same "$said" "7000 heard answer of outside
7001 heard answer of outside
7002 failed: ConnectionResetError
$outside failed: ConnectionRefusedError
7003 failed: ConnectionRefusedError"
check "egress: why there is none is in the log" has "$(log)" \
	"fault=\"egress: 127.0.0.1:$unlisted: cannot connect: Connection refused\""

build closed --egress "127.0.0.1:$unlisted=7000,policy=/plain.yaml" --add "$work/plain.policy.yaml:/plain.yaml" \
	-- /bin/busybox sh -c "/run/tobichi/tobichi connect 127.0.0.1:$unlisted"
check "egress: connect inside to where nobody listens" exits 2 "$tobichi" run closed.tobi
check "egress: says where" has "$said" "127.0.0.1:$unlisted: cannot connect: Connection refused"

# ---- two enclaves ----
"$tobichi" keygen --output publisher >/dev/null
build template --key publisher.key --product 1 -- /usr/bin/python3 /ask.py
# By the publisher's key and the product: an image cannot name the id of one that names its own.
policy() { sed -e "/^images:/d" -e "/^config-id:/d" -e "s/^product: .*/product: $1/" template.policy.yaml; }
policy 1 >clients.yaml
policy 2 >servers.yaml
server() { # NAME OPTION...: an enclave's image that answers enclaves of product 1 alone
	name=$1
	shift
	build "$name" --port 9000 --add "$work/clients.yaml:/etc/clients.yaml" \
		--client-policy /etc/clients.yaml "$@" -- /usr/bin/python3 /answer.py 127.0.0.1 9000 "$name"
}
server b --key publisher.key --product 2
b=$("$tobichi" run --detach --publish "$b_port:9000" b.tobi)
listens() { "$tobichi" logs "$1" | grep -q listening; }
heard() { "$tobichi" logs "$1" | grep -c heard; }
check "B listens" eventually listens "$b"
asker() { # NAME OPTION...: an enclave's image that asks B
	name=$1
	shift
	build "$name" --add "$work/servers.yaml:/etc/servers.yaml" \
		--egress "127.0.0.1:$b_port=7000,policy=/etc/servers.yaml" "$@" -- /usr/bin/python3 /ask.py 7000
}
asker a --key publisher.key --product 1
check "inspect shows by which policy" has "$("$tobichi" inspect a.tobi)" \
	"egress       127.0.0.1:$b_port at port 7000, attested by the policy in /etc/servers.yaml"
check "inspect shows which clients" has "$("$tobichi" inspect b.tobi)" \
	"clients      only such as meet the policy in /etc/clients.yaml"
check "mutual: A hears B" same "$("$tobichi" run a.tobi 2>&1)" "7000 heard answer of b"
check "mutual: B heard A" same "$(heard "$b")" 1
cat >crowd.py <<'PROGRAM'
import subprocess, sys
crowd = [subprocess.Popen([sys.executable, "/ask.py", "7000"]) for _ in range(20)]
for one in crowd:
    one.wait()
PROGRAM
build crowd --add "$work/servers.yaml:/etc/servers.yaml" --add "$work/crowd.py:/crowd.py" --key publisher.key \
	--product 1 --egress "127.0.0.1:$b_port=7000,policy=/etc/servers.yaml" -- /usr/bin/python3 /crowd.py
check "mutual: twenty at once are all answered" same \
	"$("$tobichi" run crowd.tobi 2>&1 | grep -c "heard answer of b")" 20
check "mutual: B heard each" same "$(heard "$b")" 21

# B lets nobody else in, and no byte of theirs reaches its program.
refused() { # NAME COMMAND...: status 1, and B has heard nothing more
	name=$1
	shift
	check "$name is refused" exits 1 timeout 20 "$@" </dev/null
	check "$name: B heard nothing" same "$(heard "$b")" 21
}
refused "an ordinary client" "$tobichi" connect "127.0.0.1:$b_port" --policy b.policy.yaml -- echo secret
check "an ordinary client: it is told why" has "$said" "a side that should attest cannot (reason 4); perhaps it lets only enclaves in"
refused "an ordinary client with a key" "$tobichi" connect "127.0.0.1:$b_port" --policy b.policy.yaml \
	--key publisher.key -- echo secret
check "an ordinary client with a key: it is told why" has "$said" "(reason 4)"
turned_away() { # NAME: this enclave's program gets nothing
	check "$1 is turned away" same "$("$tobichi" run "$1.tobi" 2>&1)" "7000 failed: ConnectionResetError"
	check "$1: B heard nothing" same "$(heard "$b")" 21
}
asker c --key publisher.key --product 3
turned_away c
check "c: the log says that B has refused" has "$(log)" "the peer refused this side: the evidence was refused (reason 6)"
check "c: and B's says why" has "$(log)" "POLICY-PRODUCT"
asker d --product 1
turned_away d
"$tobichi" keygen --output stranger >/dev/null
asker e --key stranger.key --product 1
turned_away e
# Plain bytes to an enclave's port open nothing.
build f --key publisher.key --product 1 --egress "127.0.0.1:$b_port=7000" -- /usr/bin/python3 /ask.py 7000
check "f, without attested TLS, gets no answer" hasnt "$("$tobichi" run f.tobi 2>&1)" "answer"
check "f: B heard nothing" same "$(heard "$b")" 21

# ---- `tobichi connect` inside: the agent's sessions, by name ----
cat >inside.py <<'PROGRAM'
import socket, sys
with socket.socket(fileno=0) as peer:
    peer.sendall(b"a question")
    peer.shutdown(socket.SHUT_WR)
    heard = b""
    while part := peer.recv(4096):
        heard += part
print("heard", heard.decode(), file=sys.stderr)
PROGRAM
cat >drive.py <<'PROGRAM'
import socket, subprocess, sys, time
def connect(what, *arguments):
    done = subprocess.run(["/run/tobichi/tobichi", "connect", *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    print(what, done.returncode, " ".join(done.stderr.split()), flush=True)
plain, attested, unlisted = sys.argv[1:]
command = ["--", "/usr/bin/python3", "/inside.py"]
connect("verify", plain, "--policy", "/etc/servers.yaml")
connect("command", plain, "--policy", "/etc/servers.yaml", *command)
connect("image-policy", attested, *command)
connect("no-policy", plain, *command)
connect("two-policies", attested, "--policy", "/etc/servers.yaml", *command)
connect("wrong-policy", plain, "--policy", "/etc/clients.yaml", *command)
connect("no-policy-at-all", plain, "--policy", "/drive.py", *command)
connect("unlisted", unlisted, "--policy", "/etc/servers.yaml", *command)
connect("key", plain, "--key", "/etc/servers.yaml", *command)
connect("nonsense", "nonsense", "--policy", "/etc/servers.yaml")
listener = subprocess.Popen(["/run/tobichi/tobichi", "connect", attested, "--listen", "127.0.0.1:7100"],
                            stderr=subprocess.DEVNULL)
for attempt in range(100):
    try:
        socket.create_connection(("127.0.0.1", 7100), 5).close()
        break
    except OSError:
        time.sleep(0.1)
for _ in range(3):
    subprocess.run(["/usr/bin/python3", "/ask.py", "7100"])
listener.kill()
PROGRAM
build inside --key publisher.key --product 1 --add "$work/servers.yaml:/etc/servers.yaml" \
	--add "$work/clients.yaml:/etc/clients.yaml" --add "$work/inside.py:/inside.py" --add "$work/drive.py:/drive.py" \
	--egress "127.0.0.1:$b_port=7000" --egress "localhost:$b_port=7001,policy=/etc/servers.yaml" \
	-- /usr/bin/python3 /drive.py "127.0.0.1:$b_port" "localhost:$b_port" "127.0.0.1:$outside"
before=$(heard "$b")
said=$("$tobichi" run inside.tobi 2>&1)
check "inside: the enclave is accepted" has "$said" "verify 0 accepted: 127.0.0.1:$b_port has proven"
check "inside: a command has the session" has "$said" "asks for heard answer of b
image-policy"
check "inside: by the image's policy" has "$said" "image-policy 0 accepted: localhost:$b_port"
check "inside: plain bytes are no session" has "$said" "no-policy 2 tobichi: error: egress: policy: the image has no policy for it; give one"
check "inside: the image's policy is not replaced" has "$said" "two-policies 1 refused: localhost:$b_port: the image has its own"
check "inside: who does not meet the policy is refused" has "$said" "POLICY-PRODUCT"
check "inside: and nothing runs" has "$said" "wrong-policy 1 refused"
check "inside: a policy that is none" has "$said" "no-policy-at-all 2 "
check "inside: what is not listed is refused" has "$said" "unlisted 1 refused: 127.0.0.1:$outside: the image does not list"
check "inside: the key is the agent's" has "$said" "key and checks are the agent's"
check "inside: no target" has "$said" "nonsense 1 refused: nonsense: the image does not list"
check "inside: a local port" same "$(echo "$said" | grep -c "7100 heard answer of b")" 3
check "inside: the plain server heard nothing of it" same "$(grep -c heard outside.log)" 2

# ---- A decides on B, too: a policy of the launch names exactly one build ----
build g --key publisher.key --product 1 --egress "127.0.0.1:$b_port=7000,policy=launch" \
	-- /usr/bin/python3 /ask.py 7000
check "launch policy: it is asked for" exits 2 "$tobichi" run g.tobi
check "launch policy: how to give it" has "$said" "run --egress-policy TARGET=FILE"
check "launch policy: for a target that is listed" exits 2 "$tobichi" run --egress-policy "127.0.0.1:1=b.policy.yaml" \
	--egress-policy "127.0.0.1:$b_port=b.policy.yaml" g.tobi
check "launch policy: one that is none" exits 2 "$tobichi" run --egress-policy "127.0.0.1:$b_port=ask.py" g.tobi
check "launch policy: not where the image has one" exits 2 "$tobichi" run \
	--egress-policy "127.0.0.1:$b_port=b.policy.yaml" a.tobi
check "launch policy: the very build" same "$("$tobichi" run --egress-policy "127.0.0.1:$b_port=b.policy.yaml" \
	g.tobi 2>&1)" "7000 heard answer of b"
"$tobichi" stop "$b" >/dev/null
echo "# another build" >>answer.py
server b2 --key publisher.key --product 2
b=$("$tobichi" run --detach --publish "$b_port:9000" b2.tobi)
check "B' listens" eventually listens "$b"
check "B' is another build: A refuses it" same "$("$tobichi" run --egress-policy "127.0.0.1:$b_port=b.policy.yaml" \
	g.tobi 2>&1)" "7000 failed: ConnectionResetError"
check "B' heard nothing" same "$(heard "$b")" 0
check "the log says by which check" has "$(log)" "POLICY-IMAGE"
check "who asks for the signer alone takes B'" same "$("$tobichi" run a.tobi 2>&1)" "7000 heard answer of b2"
"$tobichi" stop "$b" >/dev/null

# ---- an enclave's client policy may be the launch's; secrets come without evidence ----
build h --key publisher.key --product 2 --port 9000 --client-policy launch --secret word \
	-- /usr/bin/python3 /answer.py 127.0.0.1 9000 h
check "clients of the launch: it is asked for" exits 2 "$tobichi" run h.tobi
check "clients of the launch: how to give it" has "$said" "run --client-policy FILE"
b=$("$tobichi" run --detach --publish "$b_port:9000" --client-policy clients.yaml h.tobi)
umask 077
echo hush >word
sed -e "/^config-id:/d" h.policy.yaml >h.yaml
check "secrets need no evidence of their sender" exits 0 "$tobichi" send "127.0.0.1:$b_port" --policy h.yaml word=word
check "H listens" eventually listens "$b"
check "an ordinary client gets no further" exits 1 timeout 20 "$tobichi" connect "127.0.0.1:$b_port" --policy h.yaml \
	-- echo secret
check "A hears H" same "$("$tobichi" run a.tobi 2>&1)" "7000 heard answer of h"
check "H heard A alone" same "$(heard "$b")" 1

# ---- what the image says of its policies has to be there ----
build i --client-policy /etc/none.yaml --port 9000 -- /usr/bin/python3 /ask.py
check "a policy that is not in the image" exits 2 "$tobichi" run i.tobi
check "a policy that is not in the image: said" has "$said" "/etc/none.yaml"
build j --add "$work/ask.py:/etc/wrong.yaml" --egress "127.0.0.1:$b_port=7000,policy=/etc/wrong.yaml" \
	-- /usr/bin/python3 /ask.py
check "a policy that is none" exits 2 "$tobichi" run j.tobi
for wrong in "127.0.0.1" "127.0.0.1:0" "127.0.0.1:80=0" "127.0.0.1:80=x" "127.0.0.1:80,policy=" \
	"127.0.0.1:80,policy=relative" "127.0.0.1:80,other=/x" "under_score:80"; do
	check "build refuses --egress $wrong" exits 2 "$tobichi" build --egress "$wrong" -o k.tobi -- /bin/true
	check "it shows that, and the form" has "$said" "'$wrong': it is HOST:PORT"
done
check "no courier is left" same "$(pgrep -fc "tobichid --courier.* 127.0.0.1 $b_port")" 0
exit $failed
