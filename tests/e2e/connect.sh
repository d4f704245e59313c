#!/bin/sh
# usage: connect.sh TOBICHI: what `connect` and `send` do with a peer that is no enclave.
# Nothing is opened, and the exit status is never 0.
set -eu
tobichi=$(realpath "$1")
folder=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem \
	-out cert.pem -subj /CN=plain -days 1 2>/dev/null
image=$(printf 'ab%.0s' $(seq 48))
{
	printf 'version: 1\nname: test\ntiers: [soft]\nimages: [%s]\n' "$image"
	printf 'identity:\n  mode: any-instance\nroots:\n  - tier: soft\n    anchors: |\n'
	sed 's/^/      /' cert.pem
} >policy.yaml
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# TLS 1.3 with a certificate, but not the protocol: ALPN is missing.
openssl s_server -accept "127.0.0.1:$port" -key key.pem -cert cert.pem \
	-www -quiet >/dev/null 2>&1 &
server=$!
sleep 0.5

expect() {
	want=$1
	shift
	got=0
	timeout 20 "$@" >out 2>err </dev/null || got=$?
	[ "$got" = "$want" ] || { echo "status $got instead of $want: $*"; cat err; exit 1; }
}
expect 2 "$tobichi" connect
expect 2 "$tobichi" connect nonsense --policy policy.yaml
expect 2 "$tobichi" connect "127.0.0.1:$port"
expect 2 "$tobichi" connect "127.0.0.1:$port" --policy absent.yaml
expect 2 "$tobichi" connect "127.0.0.1:$port" --policy policy.yaml -- touch opened
[ ! -e opened ] || { echo "the command ran without an attested session"; exit 1; }
umask 077
echo secret >secret
expect 2 "$tobichi" send "127.0.0.1:$port" --policy policy.yaml name=secret
expect 2 "$tobichi" send "127.0.0.1:$port" --policy policy.yaml name
echo "ok"
