#!/bin/sh
# `tobichi verify` on devices of NVIDIA, alone and beside a CPU, under roots that are made
# here; and on real ones, where they are.
# Usage: nvidia.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
"$1/tests/tools/nvidia" "$work" >/dev/null 2>&1 || { echo "FAILED: no report"; exit 1; }
nonce=$(cat nonce) time=$(cat time)
verify() { # EVIDENCE POLICY WITH...
	evidence=$1 policy=$2
	shift 2
	for piece; do
		set -- "$@" --with "$piece"
		shift
	done
	"$tobichi" verify "$evidence" --policy "$policy" --nonce "$nonce" --at "$time" \
		--collateral ocsp "$@"
}
all="chain.pem driver.xml vbios.xml"

# ---- alone ----
check "a report with its chain and reference values is accepted" exits 0 verify report.bin alone.yaml $all
check "its kind is known" has "$said" "evidence  nvidia-gpu"
check "what it is worth is said" has "$said" "says nothing of the machine that it sits in"
check "what it runs is shown" has "$said" "550.90.07, as NVIDIA has published"
check "and that nothing is revoked" has "$said" "no certificate is revoked"
check "in any order" exits 0 verify report.bin alone.yaml vbios.xml driver.xml chain.pem
check "as JSON it needs no chain" exits 0 verify evidence.json two.yaml driver.xml vbios.xml
check "and is of two devices" has "$said" "GPU 2, chip"
check "as others write it, too" exits 0 verify coco.json two.yaml driver.xml vbios.xml
check "one device is not two" exits 1 verify report.bin two.yaml $all
check "which is counted" has "$said" "FAIL  POLICY-GPU-COUNT"
check "without its chain it is refused" exits 1 verify report.bin alone.yaml driver.xml vbios.xml
check "by name" has "$said" "FAIL  GPU-CHAIN"
check "without reference values, too" exits 1 verify report.bin alone.yaml chain.pem driver.xml
check "by the policy" has "$said" "FAIL  POLICY-GPU-RIM"
check "unless it names the firmware" exits 0 verify report.bin lax.yaml chain.pem
check "which is said aloud" has "$said" "WARNING   NOT COMPARED"
check "without answers it is refused, where they are asked for" exits 1 \
	"$tobichi" verify report.bin --policy alone.yaml --nonce "$nonce" --at "$time" \
	--with chain.pem --with driver.xml --with vbios.xml
check "by the policy, again" has "$said" "FAIL  POLICY-GPU-OCSP"
check "a test's roots count by the policy's word only" exits 1 verify report.bin vendor.yaml $all
check "neither is NVIDIA's" has "$said" "FAIL  GPU-CHAIN"
check "nor the other" has "$said" "FAIL  GPU-RIM-CHAIN"
check "reference values come as collateral, too" exits 0 "$tobichi" verify report.bin \
	--policy alone.yaml --nonce "$nonce" --at "$time" --with chain.pem \
	--collateral ocsp --collateral driver.xml --collateral vbios.xml
check "their kinds are known" exits 0 "$tobichi" collateral show driver.xml ocsp
check "one of them" has "$said" "nvidia-rim"
check "and the other" has "$said" "ocsp"

# ---- what was changed ----
head -c 3000 report.bin >cut
{ cat report.bin; echo x; } >longer
sed 's/active="False"/active="True"/' driver.xml >changed.xml
{ printf '<!DOCTYPE a>'; sed 1d driver.xml; } >typed.xml
check "a cut report is an error" exits 2 verify cut alone.yaml $all
check "and one with more behind it" exits 2 verify longer alone.yaml $all
check "changed reference values are refused" exits 1 verify report.bin alone.yaml chain.pem changed.xml vbios.xml
check "by the signature" has "$said" "FAIL  GPU-RIM-SIGNATURE"
check "moved ones, too" exits 1 verify report.bin alone.yaml chain.pem moved.xml vbios.xml
check "by the signature's place" has "$said" "FAIL  GPU-RIM-SIGNATURE"
check "a document type is not read" exits 1 verify report.bin alone.yaml chain.pem typed.xml vbios.xml
check "nor believed" has "$said" "FAIL  GPU-RIM-FORM"
check "another nonce is refused" exits 1 "$tobichi" verify report.bin --policy alone.yaml \
	--nonce 0001020304050607 --at "$time" --collateral ocsp --with chain.pem \
	--with driver.xml --with vbios.xml
check "another day is refused" exits 1 "$tobichi" verify report.bin --policy alone.yaml \
	--nonce "$nonce" --at 2030-03-20T17:46:40Z --collateral ocsp --with chain.pem \
	--with driver.xml --with vbios.xml
check "by the answers' dates" has "$said" "the answer is of another time"

# ---- beside a CPU ----
check "a CPU and two devices are accepted" exits 0 verify cpu.cose cpu.yaml gpu.bin gpu1.bin $all chain1.pem
check "the tier is the CPU's" has "$said" "tier      nitro"
check "the devices are shown" has "$said" "GPU 2, driver"
check "one of them is missing" exits 1 verify cpu.cose cpu.yaml gpu.bin $all
check "which is counted, too" has "$said" "FAIL  POLICY-GPU-COUNT"
check "one that answers to something else is refused" exits 1 verify cpu.cose cpu.yaml gpu.bin report.bin $all chain1.pem
check "by what it was asked with" has "$said" "FAIL  GPU-NONCE"
check "one device twice is not two" exits 1 verify cpu.cose cpu.yaml gpu.bin gpu1.bin $all
check "for each has a number" has "$said" "FAIL  GPU-TWICE"
check "without devices it is refused" exits 1 verify cpu.cose cpu.yaml
check "whom the policy trusts is told" exits 0 "$tobichi" trust cpu.yaml
check "for devices beside the CPU" has "$said" "NVIDIA devices beside the CPU, at least 2"

# ---- real ones ----
vectors=${TOBICHI_VECTORS:-}
if [ -f "$vectors/nvidia/gonvattest-hopper-full/report.bin" ]; then
	hopper=$vectors/nvidia/gonvattest-hopper-full
	cat >real.yaml <<-'EOF'
		version: 1
		tiers: [nvidia-gpu]
		identity: {mode: any-instance}
		gpu: {architectures: [hopper]}
	EOF
	check "a real one is accepted" exits 0 "$tobichi" verify "$hopper/report.bin" \
		--policy real.yaml --at 2025-10-24T12:00:00Z --with "$hopper/cert_chain.pem" \
		--with "$hopper/rim_driver.xml" --with "$hopper/rim_vbios.xml" \
		--nonce 931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb
else
	echo "no real report here: TOBICHI_VECTORS names no folder of them"
fi
exit $failed
