#!/bin/sh
# `tobichi verify` on reports of AMD SEV-SNP, under a maker of processors that is made here;
# and on real ones, where they are.
# Usage: snp.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
"$1/tests/tools/snp" "$work" >/dev/null 2>&1 || { echo "FAILED: no report"; exit 1; }
nonce=$(cat nonce) time=$(cat time)
verify() { # EVIDENCE POLICY WITH...
	evidence=$1 policy=$2
	shift 2
	for piece; do
		set -- "$@" --with "$piece"
		shift
	done
	"$tobichi" verify "$evidence" --policy "$policy" --nonce "$nonce" --at "$time" "$@"
}
all="leaf.der issuers.pem crl.der"

# ---- what comes with it ----
check "a report with its certificates is accepted" exits 0 verify report policy.yaml $all
check "its kind is known" has "$said" "evidence  snp-report"
check "what it says is shown" has "$said" "boot loader 4, TEE 1, SNP 24, microcode 213"
check "in any order" exits 0 verify report policy.yaml crl.der issuers.pem leaf.der
check "an extended report needs nothing else" exits 0 verify extended policy.yaml
tail -c +1185 extended >table
check "a table beside it does as well" exits 0 verify report policy.yaml table
check "without a certificate it is refused" exits 1 verify report policy.yaml issuers.pem crl.der
check "by name" has "$said" "FAIL  SNP-CERTIFICATE"
check "without the issuers, too" exits 1 verify report policy.yaml leaf.der crl.der
check "by the chain" has "$said" "FAIL  SNP-CHAIN"
check "without a list, too" exits 1 verify report policy.yaml leaf.der issuers.pem
check "for it was not looked into" has "$said" "MISS  SNP-CRL"
{ cat policy.yaml; printf 'snp:\n  crl: not-required\n'; } >no-list.yaml
check "unless the policy says so" exits 0 verify report no-list.yaml leaf.der issuers.pem
check "which is said aloud" has "$said" "WARNING   NO LIST OF REVOKED KEYS"
check "a test's root counts by the policy's word only" exits 1 verify report vendor.yaml $all
check "it is none of AMD's" has "$said" "FAIL  SNP-CHAIN"

# ---- what was changed ----
head -c 1183 report >cut
{ cat report; echo x; } >longer
{ head -c 144 report; printf x; tail -c +146 report; } >changed
check "a cut report is an error" exits 2 verify cut policy.yaml $all
check "and one with more behind it" exits 2 verify longer policy.yaml $all
check "a changed measurement is refused" exits 1 verify changed policy.yaml $all
check "by the signature" has "$said" "FAIL  SNP-SIGNATURE"
check "another nonce is refused" exits 1 "$tobichi" verify extended --policy policy.yaml \
	--nonce 0001020304050607 --at "$time"
check "another time is refused" exits 1 "$tobichi" verify extended --policy policy.yaml \
	--nonce "$nonce" --at 2040-01-01T00:00:00Z

# ---- the ID block ----
check "the ID key that the policy names" exits 0 verify report.signed keys.yaml $all id-block
check "has signed the block" has "$said" "ok    SNP-ID-BLOCK"
check "a report without that key is refused" exits 1 verify report keys.yaml $all
check "by the policy" has "$said" "FAIL  POLICY-SNP-ID-KEY"
check "a block of another guest is refused" exits 1 verify report policy.yaml $all id-block
check "by name" has "$said" "FAIL  SNP-ID-BLOCK"

# ---- other forms ----
check "as JSON" exits 0 "$tobichi" verify extended --policy policy.yaml --nonce "$nonce" --at "$time" --json
check "the facts are in it" has "$(echo "$said" | jq -r '.submods[].tobichi.facts[].value')" "AMD EPYC, Milan"
check "as a page" exits 0 "$tobichi" verify extended --policy policy.yaml --nonce "$nonce" --at "$time" --html
check "that says what it is about" has "$said" "SEV-SNP"

# ---- real ones ----
vectors=${TOBICHI_VECTORS:-$(dirname "$0")/../../../shared/vectors}
if [ -f "$vectors/snp/steward-milan-v2-with-crl/report.bin" ]; then
	real=$vectors/snp/steward-milan-v2-with-crl
	image=$(od -An -v -tx1 -j 144 -N 48 "$real/report.bin" | tr -d ' \n')
	printf 'version: 1\ntiers: [snp]\nimages: [%s]\nallow: [no-nonce]\nidentity:\n  mode: any-instance\n' \
		"$image" >real.yaml
	check "a real report of Milan, with AMD's own list" exits 0 "$tobichi" verify "$real/report.bin" \
		--policy real.yaml --at 2023-01-15T00:00:00Z --with "$real/vcek.der" \
		--with "$vectors/roots/amd-snp/ask_ark_milan.pem" --with "$real/crl_ark-milan.der"
	check "not after the list's date" exits 1 "$tobichi" verify "$real/report.bin" \
		--policy real.yaml --at 2023-05-09T23:00:00Z --with "$real/vcek.der" \
		--with "$vectors/roots/amd-snp/ask_ark_milan.pem" --with "$real/crl_ark-milan.der"
fi
exit $failed
