# Of bench.sh: the broker's server, beside libevent's own with the least that a page can be.

# load URL NAME: one run of wrk; its rate, median and 99th percentile (ms) to NAME.1, .2, .3
load() {
	wrk -t1 -c32 -d3s --latency "$1" >broker.wrk || { cat broker.wrk >&2; return 1; }
	awk -v name="$2" '
		function ms(x) { return x ~ /us$/ ? x / 1000 : x ~ /ms$/ ? x + 0 : x * 1000 }
		/^Requests\/sec:/ { print $2 >>(name ".1") }
		$1 == "50%" { print ms($2) >>(name ".2") }
		$1 == "99%" { print ms($2) >>(name ".3") }
		/Socket errors|Non-2xx/ { print "error: " $0 >"/dev/stderr"; exit 1 }' broker.wrk
}
broker_rows() {
	have wrk || { skipped "requests to the broker" "wrk is missing"; return; }
	plain=$(free_port) hello=$(free_port) secure=$(free_port)
	for kind in plain secure; do
		option=
		[ $kind = secure ] || option=--plain
		eval "port=\$$kind"
		tobichi broker init $option --listen "127.0.0.1:$port" --host "localhost:$port" "broker-$kind" >/dev/null
		printf 'log: none\nlimits:\n  rate: 0\n  client-rate: 0\n  client-connections: 20000\n  idle-seconds: 3600\n  connection-requests: 1000000000\n' >>"broker-$kind/broker.yaml"
		tobichi broker serve --config "broker-$kind/broker.yaml" 2>"broker-$kind.log" &
		helpers="$helpers $!" broker=$!
		until curl -sk -o /dev/null "http://127.0.0.1:$port/" || curl -sk -o /dev/null "https://127.0.0.1:$port/"; do kill -0 $broker; done
	done
	http_hello "$hello" &
	helpers="$helpers $!"
	until curl -s -o /dev/null "http://127.0.0.1:$hello/"; do :; done
	rm -f health.* hello.* ready.*
	for round in $(seq "$rounds"); do
		load "http://127.0.0.1:$plain/healthz" health
		load "http://127.0.0.1:$hello/" hello
		load "http://127.0.0.1:$plain/readyz" ready
	done
	row "GET of a health page, 32 connections" /s more health.1 "libevent's evhttp, three bytes" hello.1
	row "its 99th percentile" ms less health.3 "its median" health.2
	row "the same of libevent's evhttp" ms less hello.3 "its median" hello.2
	row "GET of /readyz (a worker asks the database): 99th percentile" ms less ready.3 "its median" ready.2
	row "its rate" /s more ready.1 "the health page's" health.1
	/usr/bin/python3 "$here/../bench/idle_connections.py" "$broker" "$secure" broker-secure/tls.pem "${BENCH_IDLE:-10000}" >idle ||
		{ skipped "idle connections" "they could not be opened"; return; }
	awk '{ print $2 >"idle.1"; print 200 >"idle.limit" }' idle
	row "resident with ${BENCH_IDLE:-10000} idle TLS connections" MiB less idle.1 limit idle.limit
}
