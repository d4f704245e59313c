# Of bench.sh: releases over the key-broker protocol. A guest of SEV-SNP that the broker has seen
# before; SQLite, a key in a file. First the handlers alone, beside the cryptography that no broker
# can do without; then from the running program over HTTP, beside that and what libevent's own HTTP
# server takes to answer three requests with a constant. Then two brokers on one PostgreSQL
# (bench-two-brokers.sh, which uses the functions here).

# new_broker FOLDER PORT OPTION...: set up, without limits on requests, and not yet started.
new_broker() {
	folder=$1 port=$2
	shift 2
	tobichi broker init --plain --listen "127.0.0.1:$port" --host "localhost:$port" --name bench "$@" "$folder" >/dev/null
	printf 'limits:\n  rate: 0\n  client-rate: 0\n  client-connections: 20000\n  idle-seconds: 3600\n  connection-requests: 1000000000\n' >>"$folder/broker.yaml"
}
start_broker() { # FOLDER PORT: its process is $broker
	# A broker logs each request, as it does by default; here to nowhere.
	tobichi broker serve --config "$1/broker.yaml" 2>/dev/null &
	helpers="$helpers $!" broker=$!
	until curl -s -o /dev/null "http://127.0.0.1:$2/healthz"; do kill -0 $broker; done
}
# An owner with the secret that programs ask for; its policy is in policy.yaml by then.
write_install() { # FOLDER PORT
	[ -e alice.key ] || tobichi keygen -o alice >/dev/null
	cat >install.sh <<-END
		set -e
		export TOBICHI_BROKER=http://localhost:$2
		tobichi owner add alice --owner-key alice.pub --repository red --key $1/operator.key
		(umask 077; printf 'a secret of thirty-two bytes, ...' >secret)
		tobichi secret put red/secret/one secret --policy policy.yaml --key alice.key
	END
}
install='sh install.sh >install.log 2>&1 || { cat install.log >&2; exit 1; }'
release_rows() {
	kbs_port=$(free_port) hello=$(free_port)
	new_broker kbs-broker "$kbs_port"
	start_broker kbs-broker "$kbs_port"
	http_hello "$hello" &
	helpers="$helpers $!" hello=$hello:$!
	until curl -s -o /dev/null "http://127.0.0.1:${hello%:*}/"; do :; done
	write_install kbs-broker "$kbs_port"
	for pid in $broker "${hello#*:}"; do taskset -acp 0 "$pid" >/dev/null || :; done # one core for both
	release "$install" "$rounds" 500 "$hello" "$kbs_port:$broker" >release.times
	for n in 1 2 3 4 5; do cut -d' ' -f$n release.times >release.$n; done
	row "the same from a running broker over HTTP, on cores" µs less release.1 \
		"bare operations and evhttp's three constants" release.4
	row "of that peer, three constants of evhttp's" µs less release.3 "bare operations" release.2
}

two_brokers_rows() {
	what="releases a second of two brokers on one PostgreSQL, each with ${BENCH_QUOTA:-20} hundredths of a core"
	"$here/../tests/postgres.sh" sh "$here/bench-two-brokers.sh" "$(free_port)" "$(free_port)" "$rounds" >two.log 2>&1 ||
		{ skipped "$what" "$(tail -1 two.log)"; return; }
	for n in 1 2 3 4; do cut -d' ' -f$n two.times >two.$n; done
	row "$what" /s more two.2 "one of them alone" two.1
	row "one release on cores of two brokers" µs less two.4 "on one's" two.3
}
kbs_rows() {
	mkdir -m 700 kbs-bench
	kbs kbs-bench "$rounds" 500 >kbs.times
	for n in 1 2 3 4 5; do cut -d' ' -f$n kbs.times >kbs.$n; done
	row "a release over the key-broker protocol, its handlers alone: challenge, attestation, secret" µs less kbs.4 \
		"its bare operations" kbs.5
	release_rows
	two_brokers_rows
}
