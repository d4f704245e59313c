#!/bin/sh
# `tobichi verify` on quotes of SGX, under a root that is made here.
# Usage: sgx.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
"$1/tests/tools/quotes" "$work" || { echo "FAILED: no quotes"; exit 1; }
time=$(cat time)
nonce=$(printf '5a%.0s' $(seq 64)) # REPORTDATA
verify() { quote=$1; shift; "$tobichi" verify "$quote" --nonce "$nonce" --at "$time" "$@"; }

# ---- what is right ----
for version in v3 v4 v5; do
	check "a quote of $version is accepted" exits 0 verify $version --policy policy.yaml --collateral collateral
	check "with its tier" has "$said" "keeps out the host"
done
check "it says which platform" has "$said" "a1a20000000000000000000000000000"
check "one that brings no certificate is accepted with the certificate beside it" \
	exits 0 verify named --policy policy.yaml --collateral collateral --with pck.pem
cp pck.pem collateral/pck.pem
check "or among the collateral" exits 0 verify named --policy policy.yaml --collateral collateral
rm collateral/pck.pem

# ---- files that nothing uses ----
echo "a line" >line
tcb=$(grep -l tcbInfo collateral/*)
check "a file that nothing uses is no reason to refuse" exits 0 verify v3 --policy policy.yaml --collateral collateral --with line
check "but is not passed over in silence" has "$said" "warning: --with line is not used"
check "nor is collateral" exits 1 verify v3 --policy policy.yaml --with "$tcb"
check "of which is said where it belongs" has "$said" "is not used: it is what a vendor publishes: give it with --collateral"
check "certificates are of use" exits 0 verify named --policy policy.yaml --collateral collateral --with pck.pem
check "and nothing is said" hasnt "$said" "is not used"

# ---- what is not ----
check "without a certificate it is refused" exits 1 verify named --policy policy.yaml --collateral collateral
check "and the reason says what is missing" has "$said" "no PCK certificate came beside the quote"
check "its root is a test's: without the policy's word it is refused" \
	exits 1 verify v3 --policy vendor.yaml --collateral collateral
check "by the chain" has "$said" "FAIL  DCAP-PCK-CHAIN"
check "without collateral it is refused" exits 1 verify v3 --policy policy.yaml
check "by the lists of what is revoked" has "$said" "FAIL  DCAP-PCK-REVOCATION"
check "and by the TCB information" has "$said" "FAIL  DCAP-TCB-INFO"
check "another nonce is refused" exits 1 "$tobichi" verify v3 --nonce 0001020304050607 --at "$time" \
	--policy policy.yaml --collateral collateral
check "a hundred days later it is refused" exits 1 "$tobichi" verify v3 --nonce "$nonce" \
	--at "$(date -u -d "$time 101 days" +%Y-%m-%dT%H:%M:%SZ)" --policy policy.yaml --collateral collateral
{ head -c 100 v3; printf X; tail -c +102 v3; } >changed
check "a quote with a byte changed is refused" exits 1 verify changed --policy policy.yaml --collateral collateral
check "by its signature" has "$said" "FAIL  DCAP-QUOTE-SIGNATURE"
head -c 1000 v3 >cut
check "a quote that was cut is no quote" exits 2 verify cut --policy policy.yaml --collateral collateral
{ cat v3; echo; } >longer
check "nor one with text behind it" exits 2 verify longer --policy policy.yaml --collateral collateral
check "which is said" has "$said" "only zero bytes may follow the quote"

# ---- what a policy asks ----
{ cat policy.yaml; echo 'sgx: {min-config-svn: 1}'; } >config.yaml
check "a configuration's version is asked of an enclave with KSS" \
	exits 1 verify v3 --policy config.yaml --collateral collateral
check "which this one lacks" has "$said" "FAIL  POLICY-SGX-CONFIG-SVN"
{ cat policy.yaml; echo 'sgx: {min-config: 1}'; } >wrong.yaml
check "a key that is none is an error" exits 2 verify v3 --policy wrong.yaml --collateral collateral

# ---- Open Enclave ----
oe() { file=$1; shift; "$tobichi" verify "$file" --nonce 3132333435363738 --at "$time" --policy policy.yaml --collateral collateral "$@"; }
check "evidence of Open Enclave is accepted" exits 0 oe oe
check "with its kind" has "$said" "evidence  oe-evidence"
check "and the claims of the program" has "$said" 'custom claim nonce'
check "with other claims it is refused" exits 1 oe oe-other
check "by what binds them" has "$said" "FAIL  OE-CLAIMS"
head -c 600 oe >oe.cut
check "one that was cut is an error" exits 2 oe oe.cut
check "that says where" has "$said" "Open Enclave evidence: data"
exit $failed
