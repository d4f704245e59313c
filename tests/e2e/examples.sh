#!/bin/sh
# The examples of the C API do what they say: a client of a real enclave, a server with
# an attester of its own that a real client accepts, a program that judges its clients.
# (examples/verify.c: install.sh.)
# Usage: examples.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
build=$1
. "$(dirname "$0")/lib.sh"
mkdir www && echo "a page from inside" >www/index.html
port=$(free_port)
"$tobichi" build --tier soft --port 8000 --add www:/www -o web.tobi -- \
	busybox httpd -f -p 8000 -h /www >/dev/null
enclave=$("$tobichi" run --detach --publish "$port:8000" web.tobi)
fetch() { exits 0 "$build/examples/example-client" 127.0.0.1 "$port" web.policy.yaml; }
check "the client fetches a page" eventually fetch
exits 0 "$build/examples/example-client" 127.0.0.1 "$port" web.policy.yaml
check "from inside" has "$said" "a page from inside"
"$tobichi" build --tier soft --port 8000 -o other.tobi -- busybox httpd -f -p 8000 >/dev/null
check "the client refuses another program" exits 1 \
	"$build/examples/example-client" 127.0.0.1 "$port" other.policy.yaml
check "and says why" has "$said" POLICY-IMAGE
# A rule at the end of a long policy counts, and one that is too long is none.
pad() { /usr/bin/python3 -c "print('# padding\n' * $1)"; }
{ sed '/^min-svn:/d' web.policy.yaml; pad 10000; echo "min-svn: 99"; } >long.yaml
check "the client reads a long policy to its end" exits 1 \
	"$build/examples/example-client" 127.0.0.1 "$port" long.yaml
check "and says what its last line refuses" has "$said" POLICY-SVN
{ cat web.policy.yaml; pad 30000; } >longer.yaml
check "the client refuses a policy over 256 KiB" exits 1 \
	"$build/examples/example-client" 127.0.0.1 "$port" longer.yaml
check "and says so" has "$said" "over 262144 bytes"
"$tobichi" stop --grace 0 "$enclave" >/dev/null

mkdir keys
"$build/tests/tools/attester" keys || exit 1
printf '#!/bin/sh\nexec "%s" "%s" "$1"\n' "$build/tests/tools/attester" "$work/keys" >attest
printf '#!/bin/sh\nexit 1\n' >broken
chmod 755 attest broken
port=$(free_port)
"$build/examples/example-server" "$port" "$work/attest" &
server=$!
greet() { exits 0 "$tobichi" connect "127.0.0.1:$port" --policy keys/policy.yaml --quiet -- sh -c 'cat >got'; }
check "the server is accepted" eventually greet
check "the server has proven itself and greets" same "$(cat got)" hello
kill "$server"
wait "$server" 2>/dev/null
port=$(free_port)
"$build/examples/example-server" "$port" "$work/broken" &
server=$!
refused() {
	exits 1 "$tobichi" connect "127.0.0.1:$port" --policy keys/policy.yaml -- sh -c 'cat >nothing' || return 1
	has "$said" "cannot"
}
check "a server without evidence is refused" eventually refused
check "and nothing of it is read" test ! -e nothing
kill "$server"
wait "$server" 2>/dev/null

# ---- a program that judges its clients ----
port=$(free_port)
cat >ask.py <<'PROGRAM'
import socket, sys
with socket.create_connection(("127.0.0.1", 7000), 20) as peer:
    print(sys.argv[1], "heard", peer.recv(100).decode(), flush=True)
PROGRAM
for name in guest other; do
	"$tobichi" build --quiet --tier soft --egress "127.0.0.1:$port=7000,policy=launch" --add "$work/ask.py:/ask.py" \
		-o "$name.tobi" -- /usr/bin/python3 /ask.py "$name"
done
sed '/^config-id:/d' guest.policy.yaml >friends.yaml
"$tobichi" build --quiet --tier soft --port 9000 --client-policy program --add "$work/friends.yaml:/etc/friends.yaml" \
	-o judge.tobi -- "$build/examples/example-peer" 9000 /etc/friends.yaml
enclave=$("$tobichi" run --detach --publish "$port:9000" judge.tobi)
judged() { "$tobichi" logs "$enclave" | grep -q "$1"; }
check "the judge is there" eventually judged ready
visit() { "$tobichi" run --egress-policy "127.0.0.1:$port=judge.policy.yaml" "$1.tobi" 2>&1; }
check "whom its policy means is a friend" has "$(visit guest)" "guest heard hello, friend"
check "another enclave is not" has "$(visit other)" "other heard hello, stranger"
check "it knows why" judged POLICY-IMAGE
check "who proves nothing comes in, too" exits 0 "$tobichi" connect "127.0.0.1:$port" --policy judge.policy.yaml --quiet \
	-- sh -c 'cat >got'
check "as a stranger" same "$(cat got)" "hello, stranger"
check "of whom that is known" judged "127.0.0.1: it has proven nothing"
"$tobichi" stop --grace 0 "$enclave" >/dev/null
# Where the image does not leave it to the program, nothing is told.
"$tobichi" build --quiet --tier soft --port 9000 --add "$work/friends.yaml:/etc/friends.yaml" \
	-o deaf.tobi -- "$build/examples/example-peer" 9000 /etc/friends.yaml
enclave=$("$tobichi" run --detach --publish "$port:9000" deaf.tobi)
check "one that was built without is there" eventually judged ready
"$tobichi" connect "127.0.0.1:$port" --policy deaf.policy.yaml --quiet -- sh -c 'cat >nothing' 2>/dev/null
check "it is told how to be built" judged "client-policy program"
check "and says nothing" same "$(cat nothing)" ""
"$tobichi" stop --grace 0 "$enclave" >/dev/null
exit $failed
