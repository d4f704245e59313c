#!/bin/sh
# Nothing is left after a stop, a crash, or kill -9 of any process of the service: no process,
# zombie, mount, loop device, control group, socket or file; and the next start works.
# Usage: cleanup.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
build() { name=$1; shift; "$tobichi" build --tier soft -o "$name.tobi" "$@" >/dev/null; }
build idle --port 8000 -- /bin/busybox sh -c 'sleep 1000 & (sleep 1001 &) ; echo begun; exec sleep 1002'
build true -- /bin/busybox true
"$tobichi" run true.tobi || exit 1

field() { # of the one enclave: FIELD
	"$tobichi" ps --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"
}
# Of the service's two processes the signer has a socket at 3, the sweeper a pipe.
child() { # socket | pipe
	for p in $(pgrep -P "$pid"); do
		case $(readlink "/proc/$p/exe"):$(readlink "/proc/$p/fd/3") in */tobichid:$1:*) echo "$p" ;; esac
	done
}
begin() { # an attached enclave: what of it could stay is written down
	: >out
	"$tobichi" run --publish "127.0.0.1:$(free_port):8000" idle.tobi >out 2>errors &
	client=$!
	eventually grep -q begun out || return 1
	pid=$(service) id=$(field id) agent=$(field pid)
	signer=$(child socket) sweeper=$(child pipe)
	inside=$(find /proc/[0-9]*/status -maxdepth 0 2>/dev/null | while read -r file; do
		grep -q "^NSpid:.*[[:space:]].*[[:space:]]" "$file" 2>/dev/null && [ "$(readlink "${file%status}ns/pid")" = "$(readlink "/proc/$agent/ns/pid")" ] && echo "${file%/status}"
	done)
	loop=$(sed -n 's/^[0-9]* [0-9]* 7:\([0-9]*\) .*/\1/p' "/proc/$agent/mountinfo" | head -1)
	sequence=$(cat "/sys/block/loop$loop/diskseq" 2>/dev/null)
	namespaces=$(readlink "/proc/$agent/ns/mnt")
	[ -n "$id" ] && [ -n "$signer" ] && [ -n "$sweeper" ] && [ -n "$loop" ] && [ -n "$inside" ]
}
no_process() { for p in $inside; do [ ! -e "$p" ] || return 1; done; [ ! -e "/proc/$agent" ]; }
no_namespace() { ! ls -l /proc/[0-9]*/ns/mnt 2>/dev/null | grep -q -F "$namespaces"; }
no_group() { ! find /sys/fs/cgroup -name "tobichi-$id" 2>/dev/null | grep -q .; }
no_mount() { ! grep -q -F "$work" /proc/self/mountinfo; }
# The loop device is free, or somebody else's by now.
no_loop() { [ ! -e "/sys/block/loop$loop/loop/backing_file" ] || [ "$(cat "/sys/block/loop$loop/diskseq")" != "$sequence" ]; }
no_state() { [ -z "$(ls run/enclaves 2>/dev/null)" ] && [ -z "$(ls run | grep loop)" ]; }
no_zombie() { [ -z "$(ps -o state= --ppid "$(service)" 2>/dev/null | grep Z)" ]; }
no_client() { ! kill -0 $client 2>/dev/null; }
is_over() { # NAME: after the end of the enclave
	for what in process namespace group mount loop state zombie client; do
		check "$1: no $what is left" eventually no_$what
	done
}
works() { check "$1: the next start works" exits 0 timeout -s KILL 30 "$tobichi" run true.tobi; }
no_service() { [ ! -e run/service.sock ] && ! kill -0 "$pid" 2>/dev/null; }

check "stop: begins" begin
"$tobichi" stop --grace 0 "$id" >/dev/null
is_over stop

check "crash of the program: begins" begin
kill -SEGV "$(pgrep -P "$agent" -x busybox | head -1)" 2>/dev/null || kill -SEGV "$(pgrep -P "$agent" | head -1)"
is_over "crash of the program"
wait $client
check "crash of the program: the status" same $? 139

check "kill -9 of the agent: begins" begin
kill -9 "$agent"
is_over "kill -9 of the agent"
wait $client
check "kill -9 of the agent: the status" same $? 137
check "kill -9 of the agent: run says it" has "$(cat errors)" "its agent was killed from outside"
works "kill -9 of the agent"

check "kill -9 of the client: begins" begin
kill -9 $client
wait $client 2>/dev/null
is_over "kill -9 of the client"
works "kill -9 of the client"

check "kill -9 of the sweeper: begins" begin
kill -9 "$sweeper"
old=$sweeper
replaced() { sweeper=$(child pipe); [ -n "$sweeper" ] && [ "$sweeper" != "$old" ]; }
check "kill -9 of the sweeper: a new one starts" eventually replaced
check "kill -9 of the sweeper: no zombie" eventually no_zombie
check "kill -9 of the sweeper: the enclave goes on" kill -0 "$agent"
kill -9 "$pid"
is_over "kill -9 of the sweeper, then of the service"
check "the new sweeper swept" eventually no_service
works "kill -9 of the sweeper, then of the service"

check "kill -9 of the signer: begins" begin
kill -9 "$signer"
is_over "kill -9 of the signer"
check "kill -9 of the signer: the service ends, for it can prove nothing" eventually no_service
check "kill -9 of the signer: and says why" grep -q "signer: it was killed from outside" run/service.log
works "kill -9 of the signer"

check "kill -9 of the service: begins" begin
kill -9 "$pid"
is_over "kill -9 of the service"
check "kill -9 of the service: no socket" eventually no_service
wait $client
check "kill -9 of the service: run's status" same $? 2
check "kill -9 of the service: run says it" has "$(cat errors)" "the enclave with it"
works "kill -9 of the service"

check "SIGTERM of the service: begins" begin
kill "$pid"
is_over "SIGTERM of the service"
check "SIGTERM of the service: it ends" eventually no_service
check "SIGTERM of the service: nothing but lock and log is left" same "$(ls run | tr '\n' ' ')" "lock service.log "
works "SIGTERM of the service"

# Nobody is left to sweep: the next start does.
check "kill -9 of all: begins" begin
kill -9 "$pid" "$signer" "$sweeper" $client "$agent"
wait $client 2>/dev/null
check "kill -9 of all: no process is left" eventually no_process
works "kill -9 of all"
is_over "kill -9 of all, after the next start"

# What a start that was killed half-way leaves.
kill -9 "$(service)"
eventually no_service
mkdir -p run/enclaves
mknod run/loop-0123abcd b 7 99
echo "/etc/tobichi-nothing" >run/enclaves/0123abcd
: >run/service.sock
works "leftovers of a start that was killed"
check "a device node is swept" test ! -e run/loop-0123abcd
check "a state file is swept" test ! -e run/enclaves/0123abcd
mkdir -p run/enclaves victim/tobichi-not-a-group "victim/other"
printf '%s\n' "$work/victim/other" "$work/victim/../victim/tobichi-not-a-group" >run/enclaves/0123abce
kill -9 "$(service)"
eventually no_service
works "a state file that names other folders"
check "only groups with our name are removed" test -d victim/other -a -d victim/tobichi-not-a-group
exit $failed
