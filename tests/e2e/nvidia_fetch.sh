#!/bin/sh
# `tobichi collateral fetch` of what NVIDIA has for a GPU: from a server that answers as its
# services do, and as they should not; and a verdict with nothing else.
# Usage: nvidia_fetch.sh BUILD_FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
"$1/tests/tools/nvidia" "$work" >/dev/null 2>&1 || { echo "FAILED: no report"; exit 1; }
nonce=$(cat nonce) time=$(cat time)
mkdir -p served/rims served/ocsp
cp driver.xml served/rims/NV_GPU_DRIVER_GH100_550.90.07
vbios=$(sed -n 's/.*colloquialVersion="\([^"]*\)".*/\1/p' vbios.xml | head -1 | tr -d . | tr a-f A-F)
cp vbios.xml "served/rims/NV_GPU_VBIOS_1010_0200_882_$vbios"
for each in ocsp/*; do
	openssl ocsp -respin "$each" -resp_text -noverify 2>/dev/null |
		sed -n 's/^ *Serial Number: *\([0-9A-F]*\)/\1/p' | head -1 >serial
	cp "$each" "served/ocsp/answer.$(cat serial)"
done
port=$(free_port)
/usr/bin/python3 -B "$here/nvidia_services.py" "$work/served" "$port" >ready 2>server.log &
server=$!
trap 'kill $server 2>/dev/null; clean_up' EXIT
eventually grep -q ready ready || { cat server.log; exit 1; }
url=http://127.0.0.1:$port
fetch() { # RIM-MODE OCSP-MODE FILE [OPTION...]
	rim=$1 ocsp=$2 file=$3
	shift 3
	rm -rf cache out
	: >served/requests
	"$tobichi" collateral fetch "$file" --rim "$url/$rim" --ocsp "$url/$ocsp" --cache cache --timeout 3 "$@"
}
requests() { grep -c "$1" served/requests; }

check "what a GPU needs is fetched" exits 0 fetch ok ok evidence.json -o out
check "the driver's reference values, by its id" grep -q "^GET /ok/v1/rim/NV_GPU_DRIVER_GH100_550.90.07 " served/requests
check "the firmware's" grep -q "^GET /ok/v1/rim/NV_GPU_VBIOS_1010_0200_882_$vbios " served/requests
check "once each, though there are two devices" same "$(requests /v1/rim/)" 2
check "answers on its certificates, and on who signed those" same "$(requests '^POST /ok/ application/ocsp-request')" 6
check "are all there" same "$(find out -name '*ocsp*' | wc -l)" 6
check "with nothing else it is accepted" exits 0 "$tobichi" verify evidence.json --policy two.yaml --nonce "$nonce" \
	--at "$time" --collateral out
check "and nothing of it is revoked" has "$said" "no certificate is revoked"
check "without what was fetched it is not" exits 1 "$tobichi" verify evidence.json --policy two.yaml --nonce "$nonce" \
	--at "$time"
check "as others write it, too" exits 0 fetch ok ok coco.json
check "a report alone" exits 0 fetch ok ok report.bin
check "says what cannot be asked for" has "$said" "certificates did not come with it"
check "and is asked about its firmware alone" same "$(requests /v1/rim/)" 1
check "and about who signed that" same "$(requests ^POST)" 3

wrong() { # RIM-MODE OCSP-MODE TEXT
	check "$1, $2" exits 2 fetch "$1" "$2" evidence.json
	check "$1, $2: $3" has "$said" "$3"
}
wrong missing ok "does not have it"
wrong broken ok "500"
wrong huge ok "over"
wrong type ok "text/html"
wrong nonsense ok "rim"
wrong bare ok "answer"
wrong other ok "another version"
wrong ok missing "does not have it"
wrong ok broken "500"
wrong ok huge "over"
wrong ok type "text/html"
wrong ok nonsense "collateral"
check "what came in spite of that is kept" exits 2 fetch ok missing evidence.json -o out
check "both files of it" same "$(find out -name '*rim*' | wc -l)" 2
head -c 4000 evidence.json >cut
check "evidence that is cut" exits 2 fetch ok ok cut
check "is nothing to ask for" same "$(wc -l <served/requests)" 0
exit $failed
