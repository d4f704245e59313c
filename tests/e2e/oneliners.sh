#!/bin/sh
# The one-liners of the README: a server of this host, as it is, fetched by curl through a
# verified channel.
# Usage: oneliners.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
for program in nginx python3 curl; do command -v $program >/dev/null || { echo "skipped: needs $program"; exit 77; }; done
. "$(dirname "$0")/lib.sh"

# serve NAME PORT-INSIDE TEXT PROGRAM...: run it, open a local port, fetch, look for TEXT
serve() {
	what=$1 inner=$2 text=$3
	shift 3
	server_ports
	"$tobichi" run --publish "$port:$inner" --policy-out "$what.yaml" -- "$@" >"$what.log" 2>&1 &
	runner=$!
	listens() { "$tobichi" ps | grep -q "127.0.0.1:$port" && test -s "$what.yaml"; }
	check "$what: it starts" eventually listens
	"$tobichi" connect "127.0.0.1:$port" --policy "$what.yaml" --listen "127.0.0.1:$local" --quiet 2>"$what.connect" &
	client=$!
	fetched() { curl --silent --fail --max-time 10 "http://127.0.0.1:$local/" >"$what.html"; }
	check "$what: curl fetches through the verified channel" eventually fetched
	check "$what: its page" grep -q "$text" "$what.html"
	kill -INT $client 2>/dev/null
	wait $client
	"$tobichi" ps --json | /usr/bin/python3 -c 'import json, sys; [print(e["id"]) for e in json.load(sys.stdin)]' |
		xargs -r "$tobichi" stop --grace 2 >/dev/null
	wait $runner
	cat "$what.log" "$what.connect"
}
serve python 8000 "Directory listing" python3 -m http.server 8000
serve nginx 80 'Welcome to nginx' nginx -g 'daemon off;'
exit $failed
