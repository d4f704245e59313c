#!/bin/sh
# The main example: Redis in an enclave, verified and used; then three refusals: what a
# changed image, a policy for hardware and another build look like to a client.
# Usage: main-job.sh BUILD_FOLDER
set -eu
tobichi=$(cd "$1" && pwd)/cli/tobichi
work=$(mktemp -d)
export TOBICHI_RUN_FOLDER="$work/run" TOBICHI_STATE_FOLDER="$work/state" HOME="$work"
client=
finish() {
	[ -z "$client" ] || kill -INT "$client" 2>/dev/null || true
	pid=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' "$work/run/service.log" 2>/dev/null | tail -1)
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	n=0
	while [ -e "$work/run/service.sock" ] && [ $n -lt 50 ]; do sleep 0.2; n=$((n + 1)); done
	rm -rf "$work"
}
trap finish EXIT
cd "$work"
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
local=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '  $ %s\n' "$*"; }
refused() { # the client's exit status must be 1
	status=0
	"$@" 2>&1 | sed 's/^/  /' || true
	"$@" >/dev/null 2>&1 || status=$?
	[ $status -eq 1 ] || { echo "error: this should have been refused (status $status)" >&2; exit 1; }
}

step "1. Pack Debian's redis-server, unchanged, into an image"
show "tobichi build --tier soft --port 6379 -o redis.tobi -- redis-server --save '' --dir /tmp"
"$tobichi" build --tier soft --port 6379 -o redis.tobi -- redis-server --save '' --dir /tmp 2>&1 | sed 's/^/  /'

step "2. Run it in an enclave; only attested TLS reaches it"
show "tobichi run --detach --publish $port:6379 redis.tobi"
echo "  enclave $("$tobichi" run --detach --publish "$port:6379" redis.tobi)"
sleep 0.5

step "3. Ask it to prove what it is"
show "tobichi connect 127.0.0.1:$port --policy redis.policy.yaml --verbose"
"$tobichi" connect "127.0.0.1:$port" --policy redis.policy.yaml --verbose 2>&1 | sed 's/^/  /'

step "4. Open a local port to it, and use it with ordinary clients"
show "tobichi connect 127.0.0.1:$port --policy redis.policy.yaml --listen 127.0.0.1:$local"
"$tobichi" connect "127.0.0.1:$port" --policy redis.policy.yaml --listen "127.0.0.1:$local" 2>/dev/null &
client=$!
sleep 1
show "redis-cli -p $local set secret 42; redis-cli -p $local get secret"
redis-cli -p "$local" set secret 42 | sed 's/^/  /'
redis-cli -p "$local" get secret | sed 's/^/  /'
show "redis-benchmark -p $local -q -n 20000 -t get,set"
redis-benchmark -p "$local" -q -n 20000 -t get,set 2>/dev/null | tr '\r' '\n' | grep 'requests per second' | sed 's/^/  /'
kill -INT "$client"
wait "$client" || true
client=

step "5. Refused: an image that was changed by one byte"
cp redis.tobi changed.tobi
printf '\377' | dd of=changed.tobi bs=1 seek=200000 conv=notrunc 2>/dev/null
show "tobichi run changed.tobi"
status=0
"$tobichi" run changed.tobi >out 2>&1 || status=$?
sed 's/^/  /' out
[ $status -eq 2 ] || { echo "error: the changed image ran" >&2; exit 1; }

step "6. Refused: a client whose policy names another build"
"$tobichi" build --tier soft --port 6379 -o other.tobi -- redis-server --save '' --dir /var >/dev/null 2>&1
show "tobichi connect 127.0.0.1:$port --policy other.policy.yaml"
refused "$tobichi" connect "127.0.0.1:$port" --policy other.policy.yaml

step "7. Refused: a client whose policy wants TEE hardware"
"$tobichi" build --port 6379 -o hardware.tobi -- redis-server --save '' --dir /tmp >/dev/null 2>&1
show "tobichi connect 127.0.0.1:$port --policy hardware.policy.yaml"
refused "$tobichi" connect "127.0.0.1:$port" --policy hardware.policy.yaml

step "Done. The tier was soft: it keeps out other processes and users, not root or the kernel."
