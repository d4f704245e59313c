#!/bin/sh
# `tobichi verify` on what others write down of clouds' virtual machines: Azure's evidence as
# JSON, Google's message; and what `tobichi collateral fetch` finds in it.
# Usage: clouds.sh BUILD_FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
"$1/tests/tools/clouds" "$work" >clouds.log 2>&1 || { cat clouds.log; exit 1; }
"$1/tests/tools/vendors" "$work/served" 2>/dev/null || { mkdir served; "$1/tests/tools/vendors" served || exit 1; }
verify() { # NAME FILE [OPTION...]
	name=$1 file=$2
	shift 2
	set -- "$@" --policy "$name.yaml" --at "$(cat "$name.time")"
	for each in "$name.with"/*; do [ ! -f "$each" ] || set -- "$@" --with "$each"; done
	[ ! -d "$name.collateral" ] || set -- "$@" --collateral "$name.collateral"
	"$tobichi" verify "$file" "$@"
}
for each in azure-snp-json azure-snp-numbers azure-tdx-json azure-tdx-numbers google google-snp; do
	nonce=$(cat $each.nonce)
	check "$each: is accepted" exits 0 verify $each $each --nonce "$nonce"
	check "$each: not for another nonce" exits 1 verify $each $each --nonce "ff${nonce#??}"
	base64 $each >text
	check "$each: as base64" exits 0 verify $each text --nonce "$nonce"
	head -c -20 $each >cut
	verify $each cut --nonce "$nonce" >/dev/null 2>&1
	check "$each: not when it is cut" test $? -ne 0
done
check "Azure's tier" exits 0 verify azure-snp-json azure-snp-json --nonce "$(cat azure-snp-json.nonce)"
check "is named" has "$said" "azure-snp"
check "a value that was changed" exits 1 sh -c "
	sed 's/\"pcrs\":\[\"\(..\)/\"pcrs\":[\"ff/' azure-snp-json >changed &&
	'$tobichi' verify changed --policy azure-snp-json.yaml --at $(cat azure-snp-json.time) --nonce $(cat azure-snp-json.nonce)"
check "a policy of another cloud" exits 1 "$tobichi" verify google --policy azure-snp-json.yaml \
	--at "$(cat google.time)" --nonce "$(cat google.nonce)"

# The chip's certificate, by the report that is in the JSON.
port=$(free_port)
/usr/bin/python3 "$here/vendors.py" "$work/served" "$port" >ready 2>server.log &
server=$!
trap 'kill $server 2>/dev/null; clean_up' EXIT
eventually grep -q ready ready || { cat server.log; exit 1; }
fetch() { # FILE
	rm -rf cache
	: >served/requests
	"$tobichi" collateral fetch "$1" --pcs "http://127.0.0.1:$port/ok" --kds "http://127.0.0.1:$port/ok" \
		--root served/roots.pem --cache cache --timeout 5
}
for each in json numbers; do
	fetch azure-snp-$each >/dev/null 2>&1
	check "$each: AMD is asked for the chip's certificate" grep -q "^/ok/vcek/v1/Milan/" served/requests
	check "$each: and for its list" grep -q "^/ok/vcek/v1/Milan/crl" served/requests
	fetch azure-tdx-$each >/dev/null 2>&1
	check "$each: Intel is asked for the platform's TCB" grep -q "^/ok/tdx/certification/v4/tcb?fmspc=00906EA10000" served/requests
done
head -c 300 azure-snp-json >cut
check "JSON that is cut" exits 2 fetch cut
check "is nothing to ask for" same "$(wc -l <served/requests)" 0
exit $failed
