#!/bin/sh
# `tobichi verify` on AMD SEV and on reports of Intel's EPID service, under roots that are made here.
# Usage: older.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
"$1/tests/tools/older" "$work" || { echo "FAILED: no evidence"; exit 1; }
verify() { "$tobichi" verify "$@" --at 2030-03-17T17:46:40Z; }

# ---- AMD SEV ----
check "a measured launch is accepted" exits 0 verify chain --policy sev.yaml --with amd.cert --with launch.json --secret tik
check "with a warning" has "$said" "SEV: without SNP"
check "and what it keeps out" has "$said" "not from changing or replaying it"
check "the launch digest is the image" has "$said" "000306090c0f12151"
check "without the launch's key it is refused" exits 1 verify chain --policy sev.yaml --with amd.cert --with launch.json
check "by the measurement" has "$said" "FAIL  SEV-MEASUREMENT"
printf '0123456789abcdef' >other; chmod 600 other
check "with another key, too" exits 1 verify chain --policy sev.yaml --with amd.cert --with launch.json --secret other
chmod 644 other
check "a key that others may read is an error" exits 2 verify chain --policy sev.yaml --with amd.cert --with launch.json --secret other
check "which says what to do" has "$said" "chmod 600"
check "without a launch it is refused" exits 1 verify chain --policy sev.yaml --with amd.cert --secret tik
check "unless the policy asks for the platform only" exits 0 verify chain --policy platform.yaml --with amd.cert
check "and that is said" has "$said" "PLATFORM ONLY"
check "AMD's certificates are needed" exits 1 verify chain --policy platform.yaml
check "which is said" has "$said" "FAIL  SEV-ARK"
check "as collateral they will do" exits 0 verify chain --policy platform.yaml --collateral amd.cert
sed '/^roots/,$d' platform.yaml >amd.yaml
check "a test's root is none of AMD's" exits 1 verify chain --policy amd.yaml --with amd.cert
check "by the root" has "$said" "FAIL  SEV-ARK"
check "one certificate is evidence, and the rest comes beside it" \
	exits 0 verify pdh.cert --policy platform.yaml --with chain --with amd.cert
head -c 2000 pdh.cert >cut
check "one that was cut is none" exits 2 verify cut --policy platform.yaml --with chain --with amd.cert
sed 's/platform-only: allowed/platform-only: yes/' platform.yaml >wrong.yaml
check "a policy's value that is none is an error" exits 2 verify chain --policy wrong.yaml

# ---- SGX EPID ----
check "a report with its signature and certificates is accepted" \
	exits 0 verify report.json --policy epid.yaml --with report.sig --with chain.pem
check "and said to be of a service that is retired" has "$said" "RETIRED"
check "the status that the policy names is said, too" has "$said" "GROUP_OUT_OF_DATE: Intel"
check "a saved reply has it all" exits 0 verify reply --policy epid.yaml
check "a policy that does not name the status refuses" exits 1 verify reply --policy strict.yaml
check "by that" has "$said" "FAIL  POLICY-EPID-STATUS"
{ cat report.json; echo; } >longer.json
check "a line end is not signed" exits 1 verify longer.json --policy epid.yaml --with report.sig --with chain.pem
check "which is said" has "$said" "FAIL  EPID-SIGNATURE"
check "without its signature it is refused" exits 1 verify report.json --policy epid.yaml --with chain.pem
sed '/^roots/,$d' epid.yaml >intel.yaml
check "a test's root is none of Intel's" exits 1 verify reply --policy intel.yaml
check "by the chain" has "$said" "FAIL  EPID-CHAIN"
check "as JSON it is told" exits 0 verify reply --policy epid.yaml --json
check "with its tier" has "$said" '"sgx-epid"'
exit $failed
