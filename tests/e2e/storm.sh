#!/bin/sh
# A hundred launches, eight at a time: none fails, none leaks. Then with published ports and
# clients; then as many enclaves as the service takes, and one more.
# Usage: storm.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
export tobichi work
build() { name=$1; shift; "$tobichi" build --tier soft -o "$name.tobi" "$@" >/dev/null; }
build hello -- /bin/busybox echo hello
build stays --port 8000 --secret key -- /bin/busybox sleep 1000
"$tobichi" run hello.tobi >/dev/null || exit 1
# Keeps the service up, so that it can be looked at before and after.
keeper=$("$tobichi" run -d --name keeper stays.tobi)
pid=$(service)
one() { [ "$(ls run/enclaves)" = "$keeper" ]; }
storm() { # COUNT: prints what did not say hello
	seq "$1" | xargs -P 8 -I N sh -c 'out=$(timeout -s KILL 60 "$tobichi" run hello.tobi 2>&1); [ "$?:$out" = 0:hello ] || echo "N: $out"'
}
descriptors() { ls -l "/proc/$pid/fd" | sed -n 's/.* -> //p' | sed 's/[0-9]*//g' | sort; }
resident() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status"; }
settled() { descriptors | cmp -s - descriptors.before; }
children() { pgrep -P "$pid" | wc -l; }
ours() { readlink /proc/[0-9]*/exe | grep -c -F "$(dirname "$tobichi")"; }

check "a first few" same "$(storm 24)" ""
check "they end" eventually one
# The last client's connection ends a moment after its enclave.
still() { descriptors >descriptors.before; sleep 0.5; settled; }
check "and their connections" eventually still
resident=$(resident) children=$(children) mounts=$(wc -l </proc/self/mountinfo)
check "a hundred launches, eight at a time: each says hello" same "$(storm 100)" ""
check "none is left" eventually one
check "the service has the descriptors that it had" eventually settled
check "no child more" same "$(children)" "$children"
check "no zombie" same "$(ps -o state= --ppid "$pid" | grep -c Z)" 0
# The address sanitizer keeps what was freed; it looks for leaks itself.
grep -q libasan "/proc/$pid/maps" || check "its memory stays" test "$(resident)" -le $((resident + 1024))
check "no control group is left" same "$(sed -n 's/^event=ended id=\([0-9a-f]*\) .*/tobichi-\1/p' run/service.log | sort >gone
	find /sys/fs/cgroup -name 'tobichi-*' 2>/dev/null | sed 's,.*/,,' | sort -u | comm -12 - gone)" ""
check "no mount is left" same "$(grep -c -F "$work" /proc/self/mountinfo)" 0
check "each is in the log" test "$(wc -l <gone)" -ge 125

# with ports: an enclave, and a client that verifies it, sixteen times
build serves --port 8000 -- /bin/busybox nc -ll -p 8000 -e /bin/busybox echo served
export policy=serves.policy.yaml
served() {
	free_ports 16 | xargs -P 8 -I P sh -c '
		id=$("$tobichi" run -d --publish 127.0.0.1:P:8000 serves.tobi) || { echo "P: no start"; exit 0; }
		out=$(timeout -s KILL 60 "$tobichi" connect 127.0.0.1:P --policy "$policy" --quiet -- sh -c "read line; echo \$line >out.P" 2>&1
			cat out.P)
		[ "$out" = served ] || echo "P: $out"
		"$tobichi" stop --grace 0 "$id" >/dev/null || echo "P: no stop"'
}
check "sixteen enclaves are verified and used" same "$(served)" ""
check "they end" eventually one
check "the service has the descriptors that it had" eventually settled

# as many as there may be
seq 255 | xargs -P 8 -I N sh -c '"$tobichi" run -d --name N stays.tobi >/dev/null || echo "N failed"' >many.log 2>&1
check "256 enclaves run" same "$(cat many.log)$(ls run/enclaves | wc -l)" 256
check "they are listed" same "$("$tobichi" ps --json | /usr/bin/python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" 256
check "one more is refused" exits 2 timeout -s KILL 30 "$tobichi" run hello.tobi
check "in one line" same "$said" "tobichi: error: service: enclaves: there are too many"
seq 255 | xargs "$tobichi" stop --grace 0 >/dev/null
check "they end" eventually one
check "the service has the descriptors that it had" eventually settled
check "and takes another" exits 0 timeout -s KILL 30 "$tobichi" run hello.tobi
exit $failed
