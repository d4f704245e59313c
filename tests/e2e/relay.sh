#!/bin/sh
# A man in the middle with genuine evidence: relayed, replayed and rewritten. A client that
# connects through it refuses, says why, and trusts it with nothing.
# Usage: relay.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
relay=$(realpath "$1")/tests/tools/relay
. "$(dirname "$0")/lib.sh"
middle=
stop_middle() {
	[ -z "$middle" ] || kill "$middle" 2>/dev/null
	[ -z "$middle" ] || wait "$middle" 2>/dev/null
	middle=
}
trap 'stop_middle; clean_up' EXIT

# The program inside says what it hears, and answers.
cat >listener.py <<'PROGRAM'
import socket
server = socket.create_server(("127.0.0.1", 9000))
print("listening", flush=True)
while True:
    connection, _ = server.accept()
    print("a connection", flush=True)
    data = connection.recv(100)
    print("heard", data.decode(), flush=True)
    connection.sendall(b"answer to " + data)
    connection.close()
PROGRAM
"$tobichi" build --tier soft --port 9000 --add "$work/listener.py:/listener.py" -o program.tobi -- \
	/usr/bin/python3 /listener.py >/dev/null
port=$(free_port)
id=$("$tobichi" run --detach --publish "$port:9000" program.tobi)
listens() { "$tobichi" logs "$id" | grep -q listening; }
check "the program listens" eventually listens

# start MODE: the man in the middle; the port on which it waits is in $at
start() {
	rm -f seen
	"$relay" "$1" "$port" >seen &
	middle=$!
	check "the relay is ready ($1)" eventually grep -q "^listening" seen
	at=$(sed -n 's/^listening on port //p' seen)
}
# The client's input is a secret: whoever gets it shows it. $said has the checklist.
say_secret() {
	exits "$1" timeout 20 "$tobichi" connect "127.0.0.1:$at" --policy program.policy.yaml \
		--verbose -- sh -c 'echo my-secret; touch opened; cat >answer'
}
heard() { "$tobichi" logs "$id" | grep -c "$1"; }
finished() { [ "$(grep -c '^[0-9]* bytes of data from the client$' seen)" = 2 ]; }
failed_checks() { echo "$said" | sed -n 's/^FAIL  *\([A-Z-]*\).*/\1/p' | tr '\n' ' '; }

# refused MODE CODES: through the relay the client refuses by exactly these checks
refused() {
	rm -f opened answer
	start "$1"
	check "$1: the client refuses, in short" exits 1 timeout 20 "$tobichi" connect "127.0.0.1:$at" \
		--policy program.policy.yaml
	check "$1: and names the checks that failed" has "$said" \
		"failed: $(echo "$2" | sed 's/ $//; s/ /, /g') (--verbose explains each check)"
	check "$1: the client refuses" say_secret 1
	check "$1: by the right checks" same "$(failed_checks)" "$2"
	check "$1: the command did not run" test ! -e opened
	check "$1: the relay got to the end" eventually finished
	check "$1: it saw genuine evidence" grep -q "^EVIDENCE of .* from the enclave" seen
	check "$1: the client told it no" grep -q "^the client refuses" seen
	check "$1: it got no byte of data" same "$(grep -c "^0 bytes of data" seen)" 2
	check "$1: the program heard nothing" same "$(heard .)" 1
	stop_middle
}
refused relay "ATLS-KEY ATLS-BINDER SOFT-NONCE "
check "relay: the reason is in words" has "$said" "was not made for this session"
check "relay: and what to do" has "$said" "Connect to the enclave directly"
refused replay "ATLS-NONCE ATLS-KEY ATLS-BINDER SOFT-NONCE "
check "replay: what to do" has "$said" "Evidence of another session was shown"
# Claims that fit leave the token: what the hardware's stand-in signed cannot be rewritten.
refused forge "SOFT-NONCE "

# A network that only moves bytes is no attack, and the same steps deliver the secret.
start pass
check "pass: the client accepts" say_secret 0
check "pass: the program's answer comes back" same "$(cat answer)" "answer to my-secret"
check "pass: the program heard it" same "$(heard my-secret)" 1
stop_middle
# And directly.
rm -f answer
at=$port
check "directly: the client accepts" say_secret 0
check "directly: the program's answer comes back" same "$(cat answer)" "answer to my-secret"
"$tobichi" stop "$id" >/dev/null
exit $failed
