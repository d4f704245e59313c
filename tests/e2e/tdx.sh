#!/bin/sh
# `tobichi verify` on a quote of a TDX guest, with Intel's collateral and the guest's event
# log. All of it is made here, under a root of the test's; and, where they are, on quotes of
# real guests.
# Usage: tdx.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
"$1/tests/tools/tdx" "$work" >/dev/null 2>&1 || { echo "FAILED: no quote"; exit 1; }
time=$(cat time)
verify() { # QUOTE [ARGUMENT...]
	quote=$1
	shift
	"$tobichi" verify "$quote" --policy policy.yaml --at "$time" --collateral collateral "$@"
}
with() { # NAME LINES: a policy with these lines
	{ cat policy.yaml; printf '%b' "$2"; } >"$1"
}

# ---- as it is ----
check "a quote is accepted" exits 0 verify quote
check "as what it is" has "$said" "evidence  tdx-quote"
check "its tier is explained" has "$said" "keeps out the host, its hypervisor and its operator"
check "its registers are shown" has "$said" "RTMR0  "
check "and what Intel says of the platform" has "$said" "TCB status                  UpToDate"
check "the event log is replayed" exits 0 verify quote --with log
check "and said so" has "$said" "events, replayed in SHA-384"
check "with the table of it" exits 0 verify quote --with log --with table
check "as a page" exits 0 verify quote --with log --html
check "that explains the rows" has "$said" "TDX-EVENT-LOG"

# ---- what was started ----
check "what was started is named" exits 0 verify quote --with log
check "Secure Boot" has "$said" "boot, Secure Boot           on"
check "the command line" has "$said" "boot command line           /vmlinuz root=/dev/vda ro"
check "the kernel, by the name that the log has for it" has "$said" "(the log's name for it: /vmlinuz)"
with boot.yaml "$(sed 's/$/\\n/' boot.lines | tr -d '\n')"
boot() { "$tobichi" verify quote --policy "$1" --at "$time" --collateral collateral --with log; }
check "a policy may say what may be" exits 0 boot boot.yaml
check "and asks for the log" exits 1 "$tobichi" verify quote --policy boot.yaml --at "$time" --collateral collateral
check "by name" has "$said" "FAIL  POLICY-BOOT-LOG"
sed 's/ ro"/ rw"/' boot.yaml >other.yaml
check "another command line is refused" exits 1 boot other.yaml
check "and shown" has "$said" "FAIL  POLICY-BOOT-COMMAND-LINES"
grep -v '^  files' boot.yaml >other.yaml
check "what is not named is refused" exits 1 boot other.yaml
check "as what it is called" has "$said" "(hd0)/grub.cfg"
check "whom such a policy trusts" exits 0 "$tobichi" trust boot.yaml
check "is told" has "$said" "what a machine starts"

# ---- what is refused ----
check "its root is a test's: without the policy's word it is refused" exits 1 "$tobichi" verify quote \
	--policy vendor.yaml --at "$time" --collateral collateral
check "by the chain" has "$said" "FAIL  DCAP-PCK-CHAIN"
check "without collateral it is refused" exits 1 "$tobichi" verify quote --policy policy.yaml --at "$time"
check "for nothing is known of the platform" has "$said" "FAIL  DCAP-TCB-INFO"
check "and a year later" exits 1 "$tobichi" verify quote --policy policy.yaml --at 2031-03-17T17:46:40Z \
	--collateral collateral
check "with a log that is another" exits 1 sh -c 'head -c -1 log >cut; exec "$@"' - "$tobichi" verify quote \
	--policy policy.yaml --at "$time" --collateral collateral --with cut
check "by the log" has "$said" "FAIL  TDX-EVENT-LOG"
with log.yaml 'tdx:\n  event-log: required\n'
check "a log that is asked for must come" exits 1 "$tobichi" verify quote --policy log.yaml --at "$time" \
	--collateral collateral
check "says the policy" has "$said" "FAIL  POLICY-TDX-EVENT-LOG"
check "and comes" exits 0 "$tobichi" verify quote --policy log.yaml --at "$time" --collateral collateral --with log

# ---- a platform that is not up to date ----
check "an older module is refused" exits 1 verify old
check "by its status" has "$said" "FAIL  POLICY-DCAP-TCB-STATUS"
check "and its advisories" has "$said" "INTEL-SA-00003"
with old.yaml 'tdx:\n  tcb-status: [OutOfDate]\n  advisories: [INTEL-SA-00003]\n'
check "until the policy names them" exits 0 "$tobichi" verify old --policy old.yaml --at "$time" \
	--collateral collateral
check "which the result says" has "$said" "WARNING   TCB OutOfDate"
with bad.yaml 'tdx:\n  tcb-status: [Revoked]\n'
check "what is revoked cannot be named" exits 2 "$tobichi" verify old --policy bad.yaml --at "$time"
check "the line says so" has "$said" "Revoked is never accepted"

# ---- real guests ----
real=${TOBICHI_VECTORS:-}/tdx/gotdxguest-v4-gcp-ccel-cross
if [ -f "$real/quote.dat" ]; then
	cat >real.yaml <<-EOF
		version: 1
		tiers: [tdx]
		images: [dae67181d3d65e073ad8f95b7907d5e927bfe9761c9ff3e9b89734a45d8954dba41394c7717cb2735396c1d04231f94a]
		allow: [no-nonce]
		identity:
		  mode: any-instance
		tdx:
		  event-log: required
	EOF
	set -- --policy real.yaml --at 2024-12-05T13:55:35Z --collateral "$real"
	check "a real guest is accepted" exits 0 "$tobichi" verify "$real/quote.dat" "$@" \
		--with "$real/ccel_data.dat" --with "$real/ccel_table.dat"
	check "with a log of others it is refused" exits 1 "$tobichi" verify "$real/quote.dat" "$@" \
		--with "$real/ccel-dupe-separator.bin"
else
	echo "- real guests: TOBICHI_VECTORS names no folder with them"
fi
exit $failed
