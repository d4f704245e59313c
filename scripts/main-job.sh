#!/bin/sh
# The main example: Redis, unchanged, in an enclave, with a password that a key broker
# releases to it alone; verified, then used by its ordinary clients. After that four refusals:
# a changed image, another image that asks the broker, a policy that wants TEE hardware, and a
# man in the middle with genuine evidence. What is printed as a command is what runs.
# Usage: main-job.sh BUILD_FOLDER
set -eu
build=$(cd "$1" && pwd)
PATH=$build/cli:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/tobichi-example.XXXXXX")
export TOBICHI_RUN_FOLDER="$work/run" TOBICHI_STATE_FOLDER="$work/state" HOME="$work"
export TMPDIR="$work" # a build that is interrupted leaves its work folder

# The service and its sweeper hold this lock until the last of them is gone.
service_is_gone() { [ ! -e run/lock ] || flock --nonblock run/lock true; }
finish() {
	trap '' INT TERM HUP PIPE
	set +e
	cd "$work" || return
	# The shell's own list: a signal may come before what was started has a name here.
	jobs -p >jobs
	for pid in $(cat jobs); do
		n=0
		# Again until it is gone: a child that is not yet its program loses the signal.
		while kill "$pid" 2>/dev/null && [ $n -lt 100 ]; do
			sleep 0.05
			n=$((n + 1))
		done
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	n=0
	until service_is_gone || [ $n -eq 100 ]; do
		pid=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' run/service.log 2>/dev/null | tail -1)
		[ -z "$pid" ] || kill "$pid" 2>/dev/null
		sleep 0.1
		n=$((n + 1))
	done
	cd /
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE
cd "$work"

bold='' dim='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
	green=$(printf '\033[32m') red=$(printf '\033[31m')
fi
heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '  %s%s%s\n' "$dim" "$*" "$plain"; }
indent() {
	sed -e "s/^ok /${green}ok$plain /" -e "s/^\(ACCEPTED\|accepted\)/$green\1$plain/" \
		-e "s/^\(refused\|tobichi: error\)/$red\1$plain/" -e 's/^/  /'
}
say() { # the command, as it would be typed
	line=
	for word; do
		case $word in '') word="''" ;; *' '*) word="'$word'" ;; esac
		line="$line $word"
	done
	printf '  $%s\n' "$line"
}
fail() {
	echo "error: $*" >&2
	exit 1
}
# In the background, because a shell hears a signal while it waits and not while a command
# runs: Ctrl-C between the two would be forgotten. finish ends the command.
quietly() {
	"$@" >out 2>&1 &
	status=0
	wait $! || status=$?
}
# accepted COMMAND...: it must succeed. refused STATUS WORDS COMMAND...: it must not, and say so.
run() {
	say "$@"
	quietly "$@"
	indent <out
}
accepted() {
	run "$@"
	[ $status -eq 0 ] || fail "that should have worked (exit status $status)"
}
refused() {
	expected=$1 words=$2
	shift 2
	run "$@"
	[ $status -eq "$expected" ] || fail "that should have been refused (exit status $status)"
	grep -q "$words" out || fail "that was refused for another reason than it should be"
}
# until_line WORDS FILE PID: waits for what a helper says when it is ready
until_line() {
	n=0
	until grep -q "$1" "$2" 2>/dev/null; do
		n=$((n + 1))
		if [ $n -eq 200 ] || ! kill -0 "$3" 2>/dev/null; then
			cat "$2" >&2
			fail "a part of the example did not start"
		fi
		sleep 0.05
	done
}
port() { # this one, or another if it is taken
	/usr/bin/python3 -c '
import socket, sys
for wanted in (int(sys.argv[1]), 0):
    try:
        with socket.socket() as s:
            s.bind(("127.0.0.1", wanted))
            print(s.getsockname()[1])
            break
    except OSError:
        pass' "$1"
}
public=$(port 7443)
local=$(port 7379)
keys=$(port 7444)
release=$(port 7445)

heading "1. Start a key broker, and name an owner of secrets"
say tobichi broker init broker --host "127.0.0.1:$keys" --listen "127.0.0.1:$keys"
quietly tobichi broker init broker --host "127.0.0.1:$keys" --listen "127.0.0.1:$keys"
[ $status -eq 0 ] || fail "the broker was not made"
head -1 out | indent
note "In broker.yaml: attested: {listen: ['127.0.0.1:$release']}, where enclaves ask for secrets."
printf "attested:\n  listen: ['127.0.0.1:%s']\n" "$release" >>broker/broker.yaml
say tobichi broker serve --config broker/broker.yaml '&'
tobichi broker serve --config broker/broker.yaml >serve 2>&1 &
until_line '"ready"' serve $!
export TOBICHI_BROKER="https://127.0.0.1:$keys"
accepted tobichi keygen -o alice
accepted tobichi owner add alice --owner-key alice.pub --repository shop --key broker/operator.key --tls-ca broker/tls.pem

heading "2. Pack Debian's redis-server, unchanged, into an image that waits for a secret"
place="--broker 127.0.0.1:$release --broker-key broker/tls.pem --broker-secrets shop/redis"
accepted tobichi run --print-config-id $place
config=$(cat out)
accepted tobichi build --tier soft --port 6379 --secret redis.conf --config-id "$config" -o redis.tobi -- \
	redis-server --save '' --dir /tmp --include /run/secrets/redis.conf
note "The secret is one line of Redis's configuration: requirepass and a random word."
password=$(openssl rand -hex 16)
(umask 077 && echo "requirepass $password" >redis.conf)
accepted tobichi secret put shop/redis/redis.conf redis.conf --policy redis.policy.yaml --key alice.key --tls-ca broker/tls.pem

heading "3. Run it in an enclave: it gets its password, and only attested TLS can reach it"
accepted tobichi run --detach --publish "$public:6379" $place redis.tobi
enclave=$(tail -1 out)

heading "4. Let it prove what it is: every check, and what it proves"
accepted tobichi connect "127.0.0.1:$public" --policy redis.policy.yaml --verbose

heading "5. Open a local port to it, and use ordinary Redis clients, with the password"
say tobichi connect "127.0.0.1:$public" --policy redis.policy.yaml --listen "127.0.0.1:$local" '&'
tobichi connect "127.0.0.1:$public" --policy redis.policy.yaml --listen "127.0.0.1:$local" >listen 2>&1 &
client=$!
until_line '^listening' listen $client
indent <listen
run redis-cli -p "$local" get greeting
grep -q NOAUTH out || fail "Redis has not got its password"
note "Its clients are given the password from here on (REDISCLI_AUTH)."
export REDISCLI_AUTH="$password"
accepted redis-cli -p "$local" set greeting 'hello from inside'
accepted redis-cli -p "$local" get greeting
grep -q 'hello from inside' out || fail "Redis does not give back what it was given"
say redis-benchmark -p "$local" -q -n 20000 -t set,get
quietly redis-benchmark -a "$password" -p "$local" -q -n 20000 -t set,get
[ $status -eq 0 ] || fail "redis-benchmark failed"
tr '\r' '\n' <out | grep 'requests per second' | indent

heading "6. Refused: an image in which one byte was changed"
cp redis.tobi changed.tobi
for byte in X Y; do
	printf $byte | dd of=changed.tobi bs=1 seek=200000 conv=notrunc 2>/dev/null
	cmp -s redis.tobi changed.tobi || break
done
refused 2 'SHA-384 is not the one in the manifest' tobichi run changed.tobi

heading "7. Refused: another image that asks for the secret; the broker's log says which check failed"
quietly tobichi build --tier soft --secret redis.conf --config-id "$config" -o other.tobi -- cat /run/secrets/redis.conf
[ $status -eq 0 ] || fail "the other image was not made"
refused 2 'the broker does not give shop/redis/redis.conf' tobichi run $place other.tobi
say tobichi log follow --once --state log --entries --key alice.key --tls-ca broker/tls.pem
quietly tobichi log follow --once --state log --entries --key alice.key --tls-ca broker/tls.pem
[ $status -eq 0 ] || fail "the log was not read"
tail -20 out | grep -E '^(decision|resource|failed) ' | indent
grep -q '^failed .*POLICY-IMAGE' out || fail "the log does not say why"

heading "8. Refused: by a policy that wants TEE hardware (the default; step 2 chose another)"
quietly tobichi build --port 6379 -o hardware.tobi -- redis-server --save '' --dir /tmp
[ $status -eq 0 ] || fail "the policy for hardware was not made"
refused 1 POLICY-TIER tobichi connect "127.0.0.1:$public" --policy hardware.policy.yaml

heading "9. Refused: a man in the middle who relays genuine evidence of another session"
"$build/tests/tools/relay" relay "$public" >relay 2>&1 &
middle=$!
until_line '^listening' relay $middle
between=$(sed -n 's/^listening on port //p' relay)
note "Port $between is the relay's. The enclave attests to it, in a session between the two;"
note "it passes that evidence on to the client. Genuine, but not about the client's session:"
refused 1 'ATLS-KEY, ATLS-BINDER' tobichi connect "127.0.0.1:$between" --policy redis.policy.yaml
until_line 'bytes of data' relay $middle
grep -q '^0 bytes of data' relay || fail "the man in the middle got data"
note "The relay got 0 bytes of data from the client."

heading "10. Stop the enclave"
accepted tobichi stop "$enclave"

heading "Done. This was the soft tier: it keeps out other processes and users, not root or the kernel."
echo "Next: your own program, in README.md. Nothing of this example stays on the machine."
