# What the end-to-end scripts share: a work folder with its own service and platform, and
# checks that are counted. Sourced with the build folder as $1.
tobichi=$1/cli/tobichi
work=$(mktemp -d)
export TOBICHI_RUN_FOLDER="$work/run" TOBICHI_STATE_FOLDER="$work/state" HOME="$work"
failed=0
service() { # the process id of the newest service
	sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' "$work/run/service.log" 2>/dev/null | tail -1
}
clean_up() {
	pid=$(service)
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	n=0
	while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1
check() { # NAME CONDITION...
	name=$1
	shift
	if "$@"; then echo "ok: $name"; else echo "FAILED: $name"; failed=1; fi
}
same() { [ "$1" = "$2" ] || { echo "  expected '$2', got '$1'"; return 1; }; }
has() { case $1 in *"$2"*) ;; *) echo "  '$2' is not in: $1"; return 1 ;; esac; }
hasnt() { case $1 in *"$2"*) echo "  '$2' is in: $1"; return 1 ;; esac; }
# exits STATUS COMMAND...: what it prints is in $said
exits() {
	expected=$1
	shift
	said=$("$@" 2>&1)
	status=$?
	[ $status = "$expected" ] || { echo "  exit status $status instead of $expected: $said"; return 1; }
}
# COUNT ports, and none that a connection of somebody's could be given meanwhile.
free_ports() {
	/usr/bin/python3 -c '
import random, socket, sys
with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
    end = int(file.read().split()[0])
held = []
while len(held) < int(sys.argv[1]):
    held.append(socket.socket())
    try:
        held[-1].bind(("127.0.0.1", random.randrange(10000, end)))
    except OSError:
        held.pop()
for one in held:
    print(one.getsockname()[1])' "$1"
}
free_port() { free_ports 1; }
# A server's port and one of a channel to it, in port and local: two draws could be alike.
server_ports() {
	# shellcheck disable=SC2046
	set -- $(free_ports 2)
	port=$1 local=$2
}
eventually() { # CONDITION..., within 10 seconds
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		[ $n -lt 100 ] || return 1
		sleep 0.1
	done
}
