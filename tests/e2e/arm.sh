#!/bin/sh
# `tobichi verify` on tokens of Arm CCA and PSA, under keys that are made here.
# Usage: arm.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
"$1/tests/tools/arm" "$work" >/dev/null 2>&1 || { echo "FAILED: no tokens"; exit 1; }
nonce=$(printf '4e%.0s' $(seq 64))
short=$(printf '4e%.0s' $(seq 32))
cca() { "$tobichi" verify "$@" --nonce "$nonce"; }
psa() { "$tobichi" verify "$@" --nonce "$short"; }

# ---- CCA ----
for generation in legacy 1 2; do
	check "a realm's token, $generation, is accepted" exits 0 cca cca-$generation --policy cca-$generation.yaml
done
check "with its kind" has "$said" "evidence  cca-token"
check "what its tier keeps out" has "$said" "keeps out the host, its hypervisor and its operator"
check "the RIM is the image" has "$said" "image     1111111111"
check "the firmware is said" has "$said" "component RMM"
check "the state of the platform, too" has "$said" "secured (0x3003)"
check "as JSON" exits 0 cca cca-2 --policy cca-2.yaml --json
check "with the tier" has "$said" '"cca"'
check "as a page" exits 0 cca cca-2 --policy cca-2.yaml --html
check "which tells what a realm is" has "$said" "Realm Management Monitor"
check "another platform's key refuses" exits 1 cca cca-2 --policy cca-1.yaml
check "by the platform's signature" has "$said" "FAIL  CCA-PLATFORM-SIGNATURE"
sed '/^roots/,$d' cca-2.yaml >nobody.yaml
check "without a key nobody is trusted" exits 1 cca cca-2 --policy nobody.yaml
check "which is said" has "$said" "no public key is named for this tier"
check "a debugged platform is refused" exits 1 cca cca-debug --policy cca-2.yaml
check "by its lifecycle" has "$said" "FAIL  POLICY-CCA-LIFECYCLE"
check "as any debugging is" has "$said" "FAIL  POLICY-DEBUG"
check "a realm that the platform does not vouch for is refused" exits 1 cca cca-unbound --policy cca-2.yaml
check "by what binds the two" has "$said" "FAIL  CCA-BINDING"
check "another nonce is refused" exits 1 "$tobichi" verify cca-2 --policy cca-2.yaml --nonce 0001020304050607
sed 's/^images: .*/images: ["2222222222222222222222222222222222222222222222222222222222222222"]/' cca-2.yaml >other.yaml
check "another image is refused" exits 1 cca cca-2 --policy other.yaml
check "by the image" has "$said" "FAIL  POLICY-IMAGE"
base64 cca-2 >cca.base64
check "in base64 it is read, too" exits 0 cca cca.base64 --policy cca-2.yaml
head -c 900 cca-2 >cut
check "one that ends too early is an error" exits 2 cca cut --policy cca-2.yaml
check "at its place" has "$said" "CCA token: "
{ cat cca-2; printf '\0'; } >more
check "a byte more is an error" exits 2 cca more --policy cca-2.yaml
check "which says so" has "$said" "there are bytes after the end"
check "whom the policy trusts is told" exits 0 "$tobichi" trust cca-2.yaml
check "a public key" has "$said" "a public key"
check "and what the monitor could do" has "$said" "RMM"

# ---- PSA ----
for profile in tfm 2 1; do
	check "a device's token, $profile, is accepted" exits 0 psa psa-$profile --policy psa-$profile.yaml
done
check "with its kind" has "$said" "evidence  psa-token"
check "and who asked for it" has "$said" "-7, outside the secure world"
check "another device's key refuses" exits 1 psa psa-2 --policy psa-1.yaml
check "by the signature" has "$said" "FAIL  PSA-SIGNATURE"
check "a policy that names no firmware is an error" exits 2 sh -c \
	"sed '/^psa:/,/^roots/{/^roots/!d}' psa-2.yaml >none.yaml; '$tobichi' verify psa-2 --policy none.yaml"
check "which says so" has "$said" "name at least one image or one signer"
check "and what else would do" has "$said" "what stands for an image in the section of each tier"
check "a MAC is accepted with the shared key" exits 0 psa psa-mac --policy psa-mac.yaml --secret shared
check "and what that means is said" has "$said" "SHARED KEY: whoever has the key"
check "without it, it is refused" exits 1 psa psa-mac --policy psa-mac.yaml
check "under a public key, too" exits 1 psa psa-mac --policy psa-2.yaml --secret shared
check "which is said" has "$said" "and the policy names public keys"
check "a signature is none under a shared key" exits 1 psa psa-2 --policy psa-mac.yaml --secret shared
exit $failed
