#!/bin/sh
# RA-TLS with servers of others: certificates as Gramine makes them, which have a quote of SGX
# or TDX and bring no collateral. What the vendor publishes is the verifier's to give.
# Usage: ratls_quote.sh BUILD_FOLDER
set -u
for tool in openssl xxd; do
	command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
. "$(dirname "$0")/lib.sh"
bound=$1/tests/tools/bound_quote
servers=
trap 'for pid in $servers; do kill "$pid" 2>/dev/null; done; clean_up' EXIT

make() { # NAME KIND: a key, a quote over it, a certificate around that
	mkdir "$1"
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$1/key" 2>/dev/null
	openssl pkey -in "$1/key" -pubout -outform DER -out "$1/public"
	"$bound" "$1" "$2" "$1/public" || exit 1
	certify "$1" "$1/key"
}
certify() { # NAME KEY: its quote in a certificate of this key
	openssl req -x509 -key "$2" -days 2 -subj /CN=gramine -out "$1/certificate" \
		-addext "1.2.840.113741.1337.6=DER:$(xxd -p "$1/quote" | tr -d '\n')" 2>/dev/null
}
serve() { # NAME KEY: its certificate to one client after another; the port is in $port
	port=$(free_port)
	while :; do printf 'from inside\n'; sleep 0.1; done |
		openssl s_server -accept "127.0.0.1:$port" -cert "$1/certificate" -key "$2" -quiet >/dev/null 2>&1 &
	servers="$servers $!"
	eventually answers
}
answers() { openssl s_client -connect "127.0.0.1:$port" </dev/null 2>&1 | grep -q TLSv1.3; }
# What is inside comes to a command.
ask() { timeout 20 "$tobichi" connect "127.0.0.1:$port" --policy "$@" -- sh -c 'head -1 >answer'; }

for kind in sgx tdx; do
	make $kind $kind
	verify() { "$tobichi" verify $kind/certificate --policy $kind/policy.yaml "$@"; }
	check "$kind: without collateral its certificate is refused" exits 1 verify
	check "$kind: by what is missing" has "$said" "FAIL  DCAP-PCK-REVOCATION"
	check "$kind: with the verifier's own it is accepted" exits 0 verify --collateral $kind/collateral
	check "$kind: its quote is over this key" has "$said" "ok    RATLS-KEY "
	check "$kind: its age is bounded by nothing, which is said" has "$said" "max-age does not bound it"

	serve $kind $kind/key
	check "$kind: connect without collateral refuses" exits 1 ask $kind/policy.yaml
	check "$kind: and says why" has "$said" "DCAP-PCK-REVOCATION"
	check "$kind: nothing was delivered" test ! -e answer
	check "$kind: connect with collateral opens" exits 0 ask $kind/policy.yaml --collateral $kind/collateral
	check "$kind: with the warning" has "$said" "warning: RA-TLS: no session binding, no freshness"
	check "$kind: what is inside comes out" grep -q "from inside" answer
	rm -f answer
	mkdir empty.$kind
	check "$kind: a cache without its documents" exits 1 ask $kind/policy.yaml --cache=empty.$kind
	"$tobichi" keygen -o $kind/owner >/dev/null
	"$tobichi" collateral bundle -o $kind/bundle --key $kind/owner.key $kind/collateral >bundled
	signer=$(sed -n 's/^signer id  //p' bundled)
	{ cat $kind/policy.yaml; echo "collateral: {signers: [\"$signer\"]}"; } >$kind/signed.yaml
	check "$kind: a bundle of who is named" exits 0 ask $kind/signed.yaml --collateral $kind/bundle
	check "$kind: not the loose files" exits 1 ask $kind/signed.yaml --collateral $kind/collateral
	check "$kind: as the policy says" has "$said" "POLICY-COLLATERAL"
	rm -f answer
done

# Who copies the quote into a certificate of his own has not got the key that it is over.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out mine 2>/dev/null
certify sgx mine
serve sgx mine
check "a quote over another key is refused" exits 1 ask sgx/policy.yaml --collateral sgx/collateral
check "by the key" has "$said" "RATLS-KEY"
check "and nothing is delivered" test ! -e answer
exit $failed
