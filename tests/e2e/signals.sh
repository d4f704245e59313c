#!/bin/sh
# Signals, exit status and standard streams go through `run` as if the program ran here.
# Usage: signals.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
run() { timeout -s KILL 60 "$tobichi" run "$@"; }
build() { name=$1; shift; "$tobichi" build --tier soft -o "$name.tobi" "$@" >/dev/null; }
no_enclave() { [ -z "$(ls run/enclaves 2>/dev/null)" ]; }
said_ready() { grep -q ready out; }
waiting() { "$tobichi" ps | grep -q "waiting for secrets"; }
start() { # IMAGE: in the background, until it says that it is ready
	: >out
	"$tobichi" run "$1.tobi" >out 2>errors &
	runner=$!
	eventually said_ready
}
ends() { # STATUS: the runner's; 99 when it does not end in time
	n=0
	while kill -0 $runner 2>/dev/null && [ $n -lt 150 ]; do sleep 0.1; n=$((n + 1)); done
	[ $n -lt 150 ] || { kill -9 $runner; return 99; }
	wait $runner
	same $? "$1"
}

build traps -- /bin/busybox sh -c 'trap "exit 41" TERM; trap "exit 42" INT; trap "exit 43" HUP; trap "exit 44" USR1; trap "exit 45" USR2; trap "exit 46" QUIT; echo ready; while :; do sleep 0.05; done'
for pair in TERM:41 INT:42 HUP:43 USR1:44 USR2:45 QUIT:46; do
	start traps
	kill -"${pair%:*}" $runner
	check "SIG${pair%:*} reaches the program, its status comes back" ends "${pair#*:}"
done
build plain -- /bin/busybox sh -c 'echo ready; exec sleep 60'
for pair in TERM:143 INT:130 HUP:129 USR1:138; do
	start plain
	kill -"${pair%:*}" $runner
	check "a program that SIG${pair%:*} kills ends with 128 and its number" ends "${pair#*:}"
done
for status in 0 1 7 255; do
	build status -- /bin/busybox sh -c "exit $status"
	check "status $status" exits $status run status.tobi
done

# before the program: an enclave that waits for its secrets
build waits --port 8000 --secret key -- /bin/busybox sleep 60
for pair in INT:130 TERM:143; do
	"$tobichi" run waits.tobi >out 2>errors &
	runner=$!
	check "it waits" eventually waiting
	kill -"${pair%:*}" $runner
	check "SIG${pair%:*} ends it" ends "${pair#*:}"
	check "nothing is left" eventually no_enclave
done

# a program that does not want to
build stubborn -- /bin/busybox sh -c 'trap "" TERM INT; echo ready; while :; do sleep 0.05; done'
start stubborn
kill -INT $runner
# Two that come before it looks are one.
taken() { grep -q '^ShdPnd:[[:space:]]*0*$' "/proc/$runner/status"; }
check "run takes an interrupt" eventually taken
sleep 0.3
check "one interrupt is the program's business" kill -0 $runner
kill -INT $runner
check "the second ends run" ends 130
check "and the enclave" eventually no_enclave
start stubborn
check "stop waits, then kills" exits 0 timeout -s KILL 30 "$tobichi" stop --grace 1 "$(ls run/enclaves)"
check "stop's kill is the program's end" ends 137

# orphans and zombies inside
build orphans -- /bin/busybox sh -c 'for i in 1 2 3 4 5; do (sleep 0.1 & exec true) & done; wait; sleep 0.5; cat /proc/[0-9]*/status 2>/dev/null | grep -c "^State:.Z"'
check "orphans are reaped" same "$(run orphans.tobi)" 0
build leaves -- /bin/busybox sh -c '(trap "" TERM HUP; while :; do sleep 1; done) & exit 5'
check "what the program leaves running ends with it" exits 5 run leaves.tobi

# streams
build cat -- /bin/busybox cat
check "standard input" same "$(echo through | run cat.tobi)" through
check "all of it" same "$(head -c 20000000 /dev/zero | run cat.tobi | sha256sum)" "$(head -c 20000000 /dev/zero | sha256sum)"
build errors -- /bin/busybox sh -c 'echo out; echo err >&2'
check "standard output alone" same "$(run errors.tobi 2>/dev/null)" out
check "standard error alone" same "$(run errors.tobi 2>&1 >/dev/null)" err
build big -- /bin/busybox dd if=/dev/zero bs=1M count=100
check "100 MiB of output" same "$(run big.tobi 2>/dev/null | sha256sum)" "$(head -c 104857600 /dev/zero | sha256sum)"
build yes -- /bin/busybox yes
check "a reader that goes" same "$(run yes.tobi 2>/dev/null | head -2 | tr '\n' ' ')" "y y "
check "ends the program" eventually no_enclave
build quiet --discard-output -- /bin/busybox echo secret
check "output that the image discards" same "$(run quiet.tobi)" ""
exit $failed
