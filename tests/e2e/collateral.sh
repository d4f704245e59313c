#!/bin/sh
# Collateral: fetched from a server that answers as the vendors' do, and as they should not;
# kept by many processes at once; bundled, renewed, shown.
# Usage: collateral.sh BUILD_FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
vendors=$1/tests/tools/vendors
mkdir served tls
"$vendors" served || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 -keyout tls/key -out tls/cert 2>/dev/null || exit 1
# shellcheck disable=SC2046
set -- $(free_ports 3)
port=$1 tls_port=$2 nobody=$3
/usr/bin/python3 "$here/vendors.py" "$work/served" "$port" >ready 2>server.log &
server=$!
/usr/bin/python3 "$here/vendors.py" "$work/served" "$tls_port" tls/cert tls/key >ready-tls 2>>server.log &
tls_server=$!
stop_servers() { kill $server $tls_server 2>/dev/null; }
trap 'stop_servers; clean_up' EXIT
eventually grep -q ready ready || { cat server.log; exit 1; }
eventually grep -q ready ready-tls || { cat server.log; exit 1; }
url=http://127.0.0.1:$port
requests() { grep -c "$1" served/requests 2>/dev/null; }
forget() { rm -rf cache; : >served/requests; }
# fetch MODE OPTION...: of the quote, unless the options say of what
fetch() {
	mode=$1
	shift
	"$tobichi" collateral fetch --pcs "$url/$mode" --kds "$url/$mode" --root served/roots.pem --cache cache \
		--timeout 5 "$@"
}

# What a quote of SGX and a report of SEV-SNP need: no more, no less.
forget
check "what a quote needs is fetched" exits 0 fetch ok served/quote.dat -o out
check "its TCB info" has "$said" "fetched   sgx-tcb-info      00A1B2C3D4E5"
check "its QE identity" has "$said" "sgx-qe-identity"
check "the list of its CA" has "$said" "pck-crl           platform"
check "the root's list" has "$said" "intel-root-crl"
check "all of them checked" hasnt "$said" "signature is checked when"
check "nothing else is asked for" same "$(requests .)" 4
check "as files too: the document and its issuers" test -s out/01-sgx-tcb-info-00A1B2C3D4E5.json -a \
	-s out/01-sgx-tcb-info-00A1B2C3D4E5.issuers.pem
check "exactly as it was served" cmp -s out/01-sgx-tcb-info-00A1B2C3D4E5.json served/sgx-tcb
check "a second time nobody is asked" exits 0 fetch ok served/quote.dat
check "but the cache" has "$said" "kept      sgx-tcb-info"
check "no request more" same "$(requests .)" 4
check "the cache is its owner's alone" same "$(stat -c %a cache)" 700
check "and so are its entries" same "$(stat -c %a cache/*.collateral | sort -u)" 600
forget
check "what a report needs is fetched" exits 0 fetch ok served/report.bin
check "the chip's certificate at its version" grep -q \
	"^/ok/vcek/v1/Milan/c0c1.*ff?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=213$" served/requests
check "its issuers, its list" same "$(requests .)" 3
check "checked" hasnt "$said" "signature is checked when"
# The same quote where others have put it: in a certificate, in a wrapper.
openssl req -x509 -key tls/key -days 2 -subj /CN=gramine -out gramine.pem \
	-addext "1.2.840.113741.1337.6=DER:$(xxd -p served/quote.dat | tr -d '\n')" 2>/dev/null
openssl x509 -in gramine.pem -outform DER -out gramine.der
/usr/bin/python3 -c '
import base64, json
quote = base64.urlsafe_b64encode(open("served/quote.dat", "rb").read()).rstrip(b"=").decode()
record = ["application/octet-stream", quote]
json.dump(record, open("record.cmw", "w"))
json.dump({"it": record, "log": ["application/octet-stream", "AAAA"]}, open("collection.cmw", "w"))'
for form in gramine.pem gramine.der record.cmw collection.cmw; do
	forget
	check "what the quote in $form needs is fetched" exits 0 fetch ok $form
	check "of its platform, in $form" has "$said" "fetched   sgx-tcb-info      00A1B2C3D4E5"
	check "all four documents, of $form" same "$(requests .)" 4
done
forget
check "a certificate without evidence" exits 2 fetch ok tls/cert
check "has nothing that needs any" has "$said" "no extension with evidence"
printf '["application/octet-stream","AAAA"]' >nothing.cmw
check "nor has a wrapper around something else" exits 2 fetch ok nothing.cmw
check "which is said" has "$said" "no evidence of hardware is in the wrapper"
check "and nobody is asked" same "$(requests .)" 0
forget
check "TDX by platform" exits 0 fetch ok --fmspc 00a1b2c3d4e5 --tdx --ca processor
check "has documents of its own" has "$said" "tdx-qe-identity"
check "VLEK's issuers by product" exits 0 fetch ok --product Milan --vlek
check "are others" same "$(requests /vlek/)" 2
check "a PCCS gives lists in hexadecimal" exits 0 fetch pccs --fmspc 00A1B2C3D4E5
check "the answers' names are those of the vendor's" test "$(requests rootcacrl)" -ge 1
check "HTTPS, with a CA of its own" exits 0 "$tobichi" collateral fetch --pcs "https://127.0.0.1:$tls_port/ok" \
	--tls-ca tls/cert --root served/roots.pem --cache cache --fmspc 00A1B2C3D4E5
check "HTTPS by a stranger" exits 2 "$tobichi" collateral fetch --pcs "https://127.0.0.1:$tls_port/ok" \
	--root served/roots.pem --cache cache2 --fmspc 00A1B2C3D4E5 --timeout 3
check "is refused" has "$said" "certificate"

# What servers get wrong. One document each, so that one line says it.
one() { # MODE EXIT TEXT
	forget
	check "a server with '$1'" exits "$2" fetch "$1" --product Milan --chip "$(printf 'c0%.0s' $(seq 64))" --tcb 04000000000018d5
	check "'$1': $3" has "$said" "$3"
}
intel() { # MODE EXIT TEXT
	forget
	[ "$2" = 0 ] && seconds=20 || seconds=2
	check "a server with '$1'" exits "$2" fetch "$1" --fmspc 00A1B2C3D4E5 --ca platform --timeout $seconds
	check "'$1': $3" has "$said" "$3"
}
intel 429 0 "fetched   sgx-tcb-info"
check "after it was told to wait" same "$(requests '/429/sgx/certification/v4/tcb')" 2
intel 500 0 "fetched   sgx-tcb-info"
intel 503 2 "the service answers 503"
check "after five tries at most" test "$(requests '/503/sgx/certification/v4/tcb')" -le 5
intel missing 2 "the service does not have it"
check "an answer is no silence: no hint at other ways" hasnt "$said" "hint: name a cache"
check "which is not asked for again at once" exits 2 fetch missing --fmspc 00A1B2C3D4E5 --ca platform
check "one request each" same "$(requests /tcb)" 1
intel redirect 2 "a redirect, which is not followed"
intel type 2 "the content type is 'text/html', not application/json"
intel huge 2 "over 1048576 bytes"
intel endless 2 "over 1048576 bytes"
intel short 2 "the answer ended early"
intel headers 2 "headers are too large"
intel no-chain 2 "the header TCB-Info-Issuer-Chain is missing"
intel two-chains 2 "the header TCB-Info-Issuer-Chain is there twice"
intel bad-chain 2 "without two hexadecimal digits"
intel no-pem 2 "not PEM"
intel garbage 2 "line 1"
intel empty 2 "the answer is empty"
intel bad-signature 2 "it does not hold"
intel other-platform 2 "of another platform"
intel expired 2 "it has expired"
check "what was refused is not kept" same "$(ls cache/*.collateral 2>/dev/null | wc -l)" 3
one ok 2 "it is of another chip"
forget
check "a stall ends" exits 2 fetch stall --product Milan --timeout 2
check "and says so" has "$said" "it took too long, or stalled"
forget
check "without the made-up vendor's root" exits 2 "$tobichi" collateral fetch --pcs "$url/ok" --cache cache \
	--fmspc 00A1B2C3D4E5 --timeout 3
check "its documents are none of Intel's" has "$said" "none of the certificates has the key of a root"
check "plain HTTP to another host" exits 2 "$tobichi" collateral fetch --pcs http://192.0.2.1 --cache cache \
	--fmspc 00A1B2C3D4E5
check "is refused before a byte is sent" has "$said" "https:// is needed"
check "nor is a name that begins as this host's addresses" exits 2 "$tobichi" collateral fetch \
	--pcs http://127.0.0.1.example --cache cache --fmspc 00A1B2C3D4E5
check "which is said" has "$said" "https:// is needed"
check "file:// too" exits 2 "$tobichi" collateral fetch --pcs file:///etc --cache cache --fmspc 00A1B2C3D4E5
check "a name in the address" exits 2 "$tobichi" collateral fetch --pcs "http://a:b@127.0.0.1:$port/ok" \
	--cache cache --fmspc 00A1B2C3D4E5
check "is refused" has "$said" "https:// is needed"

# Many at once: one asks, the others wait for it.
forget
n=0
while [ $n -lt 32 ]; do
	fetch slow --product Milan >"many.$n" 2>&1 &
	pids="${pids:-} $!"
	n=$((n + 1))
done
bad=0
for pid in $pids; do wait "$pid" || bad=$((bad + 1)); done
check "32 processes have it" same "$bad" 0
check "by one request for each document" same "$(requests .)" 2
check "one has fetched it" same "$(cat many.* | grep -c '^fetched .*snp-issuer')" 1
check "31 have taken that" same "$(cat many.* | grep -c '^kept .*snp-issuer')" 31

# The source is behind: what it gives is valid for itself, and older than what is known.
forget
fetch ok served/quote.dat >/dev/null 2>&1
cp served/sgx-tcb newest && cp served/older served/sgx-tcb
check "what is kept is not turned back" exits 0 fetch ok served/quote.dat --max-age 0 -o behind
check "it is used" has "$said" "in need   sgx-tcb-info"
check "with the reason" has "$said" "the source gives an older document than the copy"
check "as it was" cmp -s behind/01-sgx-tcb-info-00A1B2C3D4E5.json newest
asked=$(requests /tcb)
check "for a moment nobody is asked again" exits 0 fetch ok served/quote.dat --max-age 0
check "but for what was not behind" same "$(requests /tcb)" "$asked"
check "and kept" exits 0 fetch ok served/quote.dat -o later
check "for the next one" cmp -s later/01-sgx-tcb-info-00A1B2C3D4E5.json newest
forget
check "alone it is taken" exits 0 fetch ok served/quote.dat -o alone
check "as it came" cmp -s alone/01-sgx-tcb-info-00A1B2C3D4E5.json served/older
mv newest served/sgx-tcb
check "until there is a newer one" exits 0 fetch ok served/quote.dat --max-age 0 -o newer
check "which is taken" cmp -s newer/01-sgx-tcb-info-00A1B2C3D4E5.json served/sgx-tcb

# The source is down.
down=http://127.0.0.1:$nobody
forget
fetch ok served/quote.dat >/dev/null 2>&1
mkdir keep && cp cache/* keep/
# The cache knows its entries by where they come from: the same address, answering no more.
kill $server 2>/dev/null
wait $server 2>/dev/null
check "what is kept is used when its source is down" exits 0 fetch ok served/quote.dat --max-age 0 --timeout 3
check "and that is said" has "$said" "the copy in the cache is used"
check "with the reason" has "$said" "cannot be reached"
check "in need" has "$said" "in need   sgx-tcb-info"
check "nothing that is not there" exits 2 fetch ok --fmspc 001122334455 --timeout 3
check "a source that never was" exits 2 "$tobichi" collateral fetch --pcs "$down" --cache cache --fmspc 00A1B2C3D4E5 --timeout 3
check "says so" has "$said" "cannot be reached"
check "and what else there is, once" same "$(echo "$said" | grep -c "hint: name a cache")" 1
damaged=$(ls cache/*.collateral | head -1)
printf X | dd of="$damaged" bs=1 seek=100 conv=notrunc 2>/dev/null
cat >policy.yaml <<'END'
version: 1
tiers: [sgx]
images: ["0000000000000000000000000000000000000000000000000000000000000000"]
identity: {mode: any-instance}
END
"$tobichi" verify served/quote.dat --policy policy.yaml --cache=cache >verdict 2>&1
check "verify reads what is kept, and leaves out what is damaged" grep -q "left out 1 damaged" verdict
check "it never fetches: what is not there is not" exits 2 "$tobichi" verify served/quote.dat --policy policy.yaml \
	--cache=nowhere
check "and says what fills it" has "$said" "collateral fetch"
check "a damaged entry is not used" exits 2 fetch ok served/quote.dat --timeout 3
check "it is thrown out, and that is said" has "$said" "thrown out of the cache"
check "and gone" test ! -e "$damaged"
: >"$(ls cache/*.collateral | head -1)"
check "nor is an empty one" exits 2 fetch ok served/quote.dat --timeout 3
chmod 777 cache
check "a cache that others may write to" exits 2 fetch ok served/quote.dat
check "is not used" has "$said" "nobody else may"
chmod 700 cache
rm -rf cache ready && mv keep cache
/usr/bin/python3 "$here/vendors.py" "$work/served" "$port" >ready 2>server.log &
server=$!
eventually grep -q ready ready

# Bundles.
"$tobichi" keygen -o owner >/dev/null
"$tobichi" keygen -o stranger --type p256 >/dev/null
check "a bundle of files" exits 0 "$tobichi" collateral bundle -o fleet.bundle --key owner.key out served/amd-chain served/amd-crl
signer=$(echo "$said" | sed -n 's/^signer id  //p')
check "shows its signer" exits 0 "$tobichi" collateral show fleet.bundle
check "by the key's id" has "$said" "$signer"
check "and what is in it" has "$said" "snp-issuer        Milan"
check "until when" has "$said" "valid"
check "at another time" exits 0 "$tobichi" collateral show fleet.bundle --at 2099-01-01T00:00:00Z
check "it has expired" has "$said" "expired"
check "as JSON" exits 0 "$tobichi" collateral show --json fleet.bundle
echo "$said" >shown.json
check "which others read" /usr/bin/python3 -c '
import json
shown = json.load(open("shown.json"))
assert shown["bundles"][0]["signer"] == "'"$signer"'"
tcb = [d for d in shown["documents"] if d["kind"] == "sgx-tcb-info"][0]
assert tcb["of"] == "00A1B2C3D4E5" and tcb["state"] == "valid" and tcb["issuers"]'
cp fleet.bundle same.bundle
check "renewed" exits 0 "$tobichi" collateral update fleet.bundle --key owner.key --pcs "$url/ok" --kds "$url/ok" --root served/roots.pem
check "all of it checked" hasnt "$said" "signature is checked when"
check "what its vendors have now" has "$said" "fetched  sgx-tcb-info"
check "what they do not replace stays" has "$said" "kept     intel-issuer"
check "with the source down" exits 2 "$tobichi" collateral update fleet.bundle --key owner.key --pcs "$down" --kds "$down" \
	--root served/roots.pem --timeout 2
check "what was there stays, and that is said" has "$said" "kept as it was"
check "with what else there is" has "$said" "hint: name a cache"
check "the bundle is whole" exits 0 "$tobichi" collateral show fleet.bundle
check "with all of it" has "$said" "sgx-tcb-info"
check "an older document is not taken" exits 0 "$tobichi" collateral update fleet.bundle --key owner.key \
	--pcs "$url/expired" --kds "$url/ok" --root served/roots.pem --grace 86400
check "and that is said" has "$said" "an older document"
check "another's key does not sign it again" exits 2 "$tobichi" collateral update fleet.bundle --key stranger.key
check "and that is said" has "$said" "signed by another key"
# A letter of a signature, in base64: it may be any, X as well.
letter=X
[ "$(tail -c 200 fleet.bundle | head -c 1)" != X ] || letter=Y
size=$(stat -c %s fleet.bundle)
printf $letter | dd of=fleet.bundle bs=1 seek=$((size - 200)) conv=notrunc 2>/dev/null
check "a changed bundle" exits 2 "$tobichi" collateral show fleet.bundle
check "is refused" has "$said" "fleet.bundle"
mkdir mixed && cp fleet.bundle out/*.json mixed/
check "in a folder too" exits 2 "$tobichi" collateral show mixed
check "a file that is none" exits 2 "$tobichi" collateral show served/quote.dat
check "says what would be one" has "$said" "no document of a vendor"
cp served/quote.dat out/
check "in a folder it is left out" exits 0 "$tobichi" collateral show out
check "with a warning" has "$said" "left out out/quote.dat"

# What cannot be meant.
for wrong in "" "show" "steal x" "fetch" "fetch --fmspc 12" "fetch served/quote.dat --fmspc 00A1B2C3D4E5" \
	"fetch --product Milan --chip 00" "fetch --product milan" "fetch --tdx --product Milan" \
	"fetch --fmspc 00A1B2C3D4E5 --ca other" "fetch --product Milan --timeout 0" "fetch owner.pub" \
	"bundle out" "bundle -o b out" "update" "update same.bundle" "update owner.pub --key owner.key" \
	"bundle -o b --key owner.pub out" "show --at noon out"; do
	# shellcheck disable=SC2086
	check "collateral $wrong" exits 2 "$tobichi" collateral $wrong
done

exit $failed
