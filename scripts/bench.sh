#!/bin/sh
# What Tobichi costs, each figure beside a peer's in the same run: medians of interleaved
# runs. A peer that is missing makes its row 'skipped'. docs/BENCHMARKS.md explains the rows.
# Usage: bench.sh BUILD_FOLDER [ROUNDS [SECTION...]]
# Sections: start first-byte cpu memory channel redis verify evidence log kbs broker
set -eu
here=$(cd "${0%/*}" && pwd) build=$(cd "$1" && pwd) rounds=${2:-7}
shift $(($# > 2 ? 2 : $#))
sections=${*:-start first-byte cpu memory channel redis verify evidence log kbs broker}
[ "$(id -u)" = 0 ] || { echo "error: it needs root, as the peers do" >&2; exit 2; }
ninja -C "$build" --quiet all bench-programs >/dev/null
PATH=$build/bench:$build/cli:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/tobichi-bench.XXXXXX")
export TOBICHI_RUN_FOLDER="$work/run" TOBICHI_STATE_FOLDER="$work/state" HOME="$work"
helpers=
finish() {
	trap '' INT TERM
	set +e
	cd "$work" || return
	for pid in $helpers; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
	for log in run*/service.log; do
		[ -e "$log" ] || continue
		pid=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' "$log" | tail -1)
		[ -z "$pid" ] || kill "$pid" 2>/dev/null
		n=0
		until flock --nonblock "${log%/*}/lock" true || [ $n -eq 100 ]; do sleep 0.1; n=$((n + 1)); done
	done
	cd /
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$work"
unmount= # for crun, which does not take version 2 control groups beside version 1
[ ! -d /sys/fs/cgroup/unified ] || unmount=unmount:/sys/fs/cgroup/unified
have() { command -v "$1" >/dev/null 2>&1; }
free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# spread: numbers on standard input, to "median min max count"
spread() {
	tr ' ' '\n' | grep . | sort -g |
		awk '{ v[NR] = $1 } END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; print m, v[1], v[NR], NR }'
}
# row WHAT UNIT BETTER(less|more) FILE PEER PEER-FILE
row() {
	set -- "$1" "$2" "$3" "$(spread <"$4")" "$5" "$(spread <"$6")"
	echo "$4 $6" | awk -v what="$1" -v unit="$2" -v better="$3" -v peer="$5" '
		function f(x) { return sprintf(x < 10 ? "%.2f" : x < 100 ? "%.1f" : "%.0f", x) }
		{ printf "| %s | %s %s | %s..%s | %s | %s %s | %s..%s | %.2f (%s is better) | %d |\n", what, f($1),
			unit, f($2), f($3), peer, f($5), unit, f($6), f($7), $1 / $5, better, $4 }'
}
skipped() { echo "| $1 | skipped: $2 | | | | | | |"; }
header() {
	echo "| What | Tobichi, median | min..max | peer | its median | min..max | ratio | runs |"
	echo "|---|---|---|---|---|---|---|---|"
}
wait_for_port() { # PORT PID
	until bulk first "$1"; do kill -0 "$2"; done
}

. "$here/bench-start.sh"
. "$here/bench-evidence.sh"
. "$here/bench-log.sh"
. "$here/bench-kbs.sh"
. "$here/bench-broker.sh"

# ---- the channel ----

stunnel_pair() { # PROGRAM-PORT: the client side's port is in $through
	middle=$(free_port) through=$(free_port)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout s.key -out s.crt \
		-subj /CN=bench -days 2 2>/dev/null
	cat s.key s.crt >s.pem
	common="foreground = yes
pid =
syslog = no
debug = err
sslVersion = TLSv1.3
ciphersuites = TLS_AES_256_GCM_SHA384
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1"
	printf '%s\n[server]\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\ncert = %s\n' \
		"$common" "$middle" "$1" "$work/s.pem" >server.conf
	printf '%s\n[client]\nclient = yes\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\nCAfile = %s\nverifyChain = yes\n' \
		"$common" "$through" "$middle" "$work/s.crt" >client.conf
	stunnel server.conf >stunnel.log 2>&1 &
	stunnel_server=$!
	stunnel client.conf >>stunnel.log 2>&1 &
	stunnel_client=$!
	helpers="$helpers $stunnel_server $stunnel_client"
}
haproxy_pair() { # PROGRAM-PORT: as stunnel_pair, which made s.pem
	haproxy_middle=$(free_port) haproxy_through=$(free_port)
	for side in server client; do
		cat <<-END >haproxy.$side
			global
			  nbthread 1
			  ssl-default-bind-options ssl-min-ver TLSv1.3
			  ssl-default-bind-ciphersuites TLS_AES_256_GCM_SHA384
			  ssl-default-server-options ssl-min-ver TLSv1.3
			  ssl-default-server-ciphersuites TLS_AES_256_GCM_SHA384
			defaults
			  mode tcp
			  timeout connect 10s
			  timeout client 1h
			  timeout server 1h
		END
	done
	printf 'listen s\n  bind 127.0.0.1:%s ssl crt %s\n  server s 127.0.0.1:%s\n' \
		"$haproxy_middle" "$work/s.pem" "$1" >>haproxy.server
	printf 'listen c\n  bind 127.0.0.1:%s\n  server s 127.0.0.1:%s ssl verify required ca-file %s\n' \
		"$haproxy_through" "$haproxy_middle" "$work/s.crt" >>haproxy.client
	for side in server client; do
		haproxy -db -f haproxy.$side >>haproxy.log 2>&1 &
		helpers="$helpers $!"
	done
	haproxy_client=$!
	wait_for_port "$haproxy_through" $haproxy_client
}
enclave_pair() { # IMAGE INNER-PORT: the client side's port is in $attested, the published in $public
	public=$(free_port) attested=$(free_port)
	enclave=$(tobichi run --detach --publish "$public:$2" "$1.tobi")
	tobichi connect "127.0.0.1:$public" --policy "$1.policy.yaml" --listen "127.0.0.1:$attested" 2>listen.log &
	connect=$!
	helpers="$helpers $connect"
	until grep -q ^listening listen.log; do kill -0 $connect; done
}
# The proxies whose name and port are given, for the first byte.
session_rows() { # [NAME PORT]...
	names= ports=
	while [ $# -gt 0 ]; do
		names="$names $1" ports="$ports $2"
		shift 2
	done
	# Few in a round: an agent asks for at most 200 reports at once, and 200 a second.
	handshakes serve.policy.yaml "$public" "$rounds" 10 $ports >sessions
	for n in $(seq $((3 + $(echo $names | wc -w)))); do cut -d' ' -f"$n" sessions >sessions.$n; done
	row "new sessions, one client, one after the other" /s more sessions.1 "mutual TLS 1.3" sessions.2
	n=4
	for name in $names; do
		row "new connections to the first byte of the program" /s more sessions.3 "$name" sessions.$n
		n=$((n + 1))
	done
}
bulk_rows() { # [NAME PORT]...
	ways="attested $attested $*"
	for way in down up; do
		for _ in $(seq "$rounds"); do
			set -- $ways
			while [ $# -gt 0 ]; do
				bulk $way "$2" 256 >>$way.$1
				shift 2
			done
		done
		set -- $ways
		shift 2
		while [ $# -gt 0 ]; do
			name="bulk $([ $way = down ] && echo out of || echo into) the enclave, 256 MiB"
			row "$name" MiB/s more $way.attested "$1" $way."$1"
			shift 2
		done
	done
}
channel_rows() {
	enclave_pair serve 9000
	wait_for_port "$attested" $connect
	fronts= pairs=
	plain=$(free_port)
	serve "$plain" &
	helpers="$helpers $!"
	if have stunnel; then
		stunnel_pair "$plain"
		wait_for_port "$through" $stunnel_client
		fronts="stunnel $middle" pairs="stunnel $through"
		have haproxy && haproxy_pair "$plain" &&
			fronts="$fronts haproxy $haproxy_middle" pairs="$pairs haproxy $haproxy_through"
	fi
	case $fronts in *stunnel*haproxy*) ;; *) skipped "the channel beside proxies" "stunnel or haproxy is missing" ;; esac
	session_rows $fronts
	[ -z "$pairs" ] || bulk_rows $pairs
	[ -z "$pairs" ] || memory_row
}
pss() { # PIDS: proportional set size, MiB
	for pid; do cat "/proc/$pid/smaps_rollup"; done 2>/dev/null | awk '/^Pss:/ { n += $2 } END { print n / 1024 }'
}
descendants() { # PID NAME: all below it with that name
	for child in $(cat /proc/"$1"/task/*/children); do
		[ "$(cat "/proc/$child/comm")" != "$2" ] || echo "$child"
		descendants "$child" "$2"
	done
}
memory_row() {
	service=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' run/service.log | tail -1)
	agent=$(tobichi ps --json | jq -r ".[] | select(.id == \"$enclave\") | .pid")
	count=$(tobichi ps --json | jq length)
	pss "$agent" >memory.agent
	pss "$stunnel_server" >memory.stunnel
	pss "$service" $(descendants "$service" tobichid) >memory.service
	row "memory of the enclave's agent, after the bulk rows" MiB less memory.agent "stunnel, server side" memory.stunnel
	row "memory of the platform service, once a host ($count enclaves)" MiB less memory.service \
		"stunnel, server side" memory.stunnel
}
redis_rows() {
	{ have redis-server && have redis-benchmark && have stunnel; } ||
		{ skipped "redis-benchmark" "redis or stunnel is missing"; return; }
	tobichi build --tier soft --quiet --port 6379 -o redis.tobi -- redis-server --save '' --dir /tmp
	enclave_pair redis 6379
	plain=$(free_port)
	redis-server --port "$plain" --bind 127.0.0.1 --save '' --dir "$work" >redis.log &
	helpers="$helpers $!"
	stunnel_pair "$plain"
	for port in $attested $through; do
		until [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ]; do kill -0 $stunnel_client; done
	done
	for _ in $(seq "$rounds"); do
		for side in "ours $attested" "theirs $through"; do
			for depth in 1 16; do
				redis-benchmark -p "${side#* }" -P $depth --csv -n $((20000 * depth)) -t set,get \
					2>/dev/null | tr -d '"' >csv
				for what in SET GET; do
					awk -F, -v what=$what '$1 == what { print $2 }' csv >>"$what.$depth.${side% *}"
				done
			done
		done
	done
	for what in SET GET; do
		row "redis-benchmark $what, 50 clients" /s more $what.1.ours stunnel $what.1.theirs
		row "redis-benchmark $what, 50 clients, 16 in a pipeline" /s more $what.16.ours stunnel $what.16.theirs
	done
}
verify_rows() {
	for curve in p256 p384; do
		verify $curve "$rounds" 200 >verify.times
		for n in 1 2 3 4; do cut -d' ' -f$n verify.times >verify.$n; done
		row "verifying soft evidence, $curve, platform not seen before" µs less verify.1 \
			"its two signature checks alone" verify.2
		row "verifying soft evidence, $curve, platform seen before" µs less verify.3 \
			"its own signature check alone" verify.4
	done
}

[ -e "$TOBICHI_STATE_FOLDER" ] || tobichi platform init >/dev/null
install -d -m 755 root root/proc root/dev root/tmp
install -m 755 "$build/bench/cpu" "$build/bench/nothing" "$build/bench/serve" root/
tobichi build --tier soft --quiet --root root --port 9000 -o serve.tobi -- /serve 9000
header
for section in $sections; do
	case $section in
	start) start_rows ;;
	first-byte) first_byte_rows ;;
	cpu) cpu_row ;;
	memory) memory_rows ;;
	channel) channel_rows ;;
	redis) redis_rows ;;
	verify) verify_rows ;;
	evidence) evidence_rows ;;
	log) log_rows ;;
	kbs) kbs_rows ;;
	broker) broker_rows ;;
	*) echo "error: there is no section '$section'" >&2; exit 2 ;;
	esac
done
