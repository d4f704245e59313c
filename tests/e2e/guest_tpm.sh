#!/bin/sh
# Enclaves on machines whose TPM says what was started: from a software TPM and an event log
# to a verdict. Usage: guest_tpm.sh BUILD-FOLDER
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
for tool in swtpm swtpm_setup tpm2_createprimary; do
	command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/tpm_lib.sh"
. "$here/guest_lib.sh"
done_with_tpm() {
	tpm_stop one
	clean_up
}
trap done_with_tpm EXIT
tpm_make one ""
tpm_start one
device=swtpm:path=$work/one/socket
export TPM2TOOLS_TCTI="$device"
tpm2_createprimary -C e -G ecc256:ecdsa-sha256:null -c ak.context \
	-a "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign" >/dev/null
tpm2_readpublic -c ak.context -f pem -o ak.pem >/dev/null
tpm2_flushcontext -t
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | openssl pkey -pubout -out other.pem

# What has started: a log of some 300 KiB, and the PCRs that it makes.
/usr/bin/python3 -B "$here/boot_log.py" boot.log boot.lines 72 >events
# shellcheck disable=SC2046
tpm2_pcrextend $(sed 's/ /:sha256=/' events) 2>extend.log ||
	while read -r pcr digest; do tpm2_pcrextend "$pcr:sha256=$digest"; done <events

"$tobichi" platform init >/dev/null
"$tobichi" build --tier soft --port 8000 -o web.tobi -- python3 -m http.server 8000 >/dev/null
policy() { # KEY [LINES...]
	sed '/^roots:/q' web.policy.yaml
	printf '  - tier: tpm\n    anchors: |\n'
	sed 's/^/      /' "$1"
	sed '1,/^roots:/d' web.policy.yaml
	printf 'guest:\n  tiers: [tpm]\n'
	shift
	cat "$@"
}
verify() { # POLICY FILE NONCE
	"$tobichi" verify "$2" --policy "$1" --nonce "$3"
}
start none --attester tpm --attester-device "$device" --attester-logs
check "a service starts" test -n "$(service)"
port=$(free_port)
id=$("$tobichi" run --detach --publish "$port:8000" web.tobi)
policy ak.pem boot.lines >boot.yaml
policy other.pem boot.lines >stranger.yaml
policy ak.pem >nothing.yaml
sed "s/kernels: \[../kernels: [00/" boot.lines >kernel.lines
policy ak.pem kernel.lines >kernel.yaml
printf 'tpm:\n  pcrs:\n    - index: 8\n      value: "%s"\n' \
	"$(tpm2_pcrread sha256:8 | sed -n 's/.*: 0x//p' | tr A-F a-f)" >pcr.lines
policy ak.pem pcr.lines >pcr.yaml
sed 's/value: "../value: "00/' pcr.lines >other.lines
policy ak.pem other.lines >pcr-other.yaml
check "evidence" exits 0 "$tobichi" attest "$id" --nonce $nonce -o web.evidence
check "has the log in it" test "$(wc -c <web.evidence)" -gt 300000
check "is accepted with what was started" exits 0 verify boot.yaml web.evidence $nonce
check "by the row" has "$said" "ok    POLICY-GUEST"
check "whose own rows are listed" has "$said" "  ok    POLICY-BOOT-KERNELS"
check "and what a TPM is worth" has "$said" "TPM AROUND"
check "another nonce is refused" exits 1 verify boot.yaml web.evidence ff$nonce
check "another key" exits 1 verify stranger.yaml web.evidence $nonce
check "for the key" has "$said" "FAIL  TPM-AK-CHAIN"
check "another kernel" exits 1 verify kernel.yaml web.evidence $nonce
check "by its row" has "$said" "FAIL  POLICY-BOOT-KERNELS"
check "PCRs by value" exits 0 verify pcr.yaml web.evidence $nonce
check "and other ones" exits 1 verify pcr-other.yaml web.evidence $nonce
check "by that row" has "$said" "FAIL  POLICY-PCRS"
check "a policy that names nothing that is started" exits 2 verify nothing.yaml web.evidence $nonce
check "is none" has "$said" "guest.images"
check "what it trusts is shown" exits 0 "$tobichi" trust boot.yaml
check "with what is started" has "$said" "command line"
check "as JSON" exits 0 sh -c "'$tobichi' verify web.evidence --policy boot.yaml --nonce $nonce --json |
	jq -e '.submods[].tobichi.guest | .tier == \"tpm\" and .verdict == \"accepted\" and (.checks | length > 10)'"
"$tobichi" attest "$id" --nonce ff$nonce -o later.evidence >/dev/null
move_guest web.evidence later.evidence moved.evidence
check "the quote of another request" exits 1 verify boot.yaml moved.evidence $nonce
check "by its row" has "$said" "FAIL  TPM-BINDING"
check "a client is let in" exits 0 "$tobichi" connect "127.0.0.1:$port" --policy boot.yaml -- \
	sh -c 'printf "GET / HTTP/1.0\r\n\r\n"; head -1'
check "one that means another kernel is not" exits 1 "$tobichi" connect "127.0.0.1:$port" --policy kernel.yaml -- true
tpm2_pcrextend 8:sha256=1111111111111111111111111111111111111111111111111111111111111111
check "what was extended since" exits 0 "$tobichi" attest "$id" --nonce $nonce -o web.evidence
check "is not what the log says" exits 1 verify boot.yaml web.evidence $nonce
"$tobichi" stop "$id" >/dev/null
stop

# Without logs only the values count.
start none --attester tpm --attester-device "$device"
id=$("$tobichi" run --detach web.tobi)
check "without --attester-logs" exits 0 "$tobichi" attest "$id" --nonce $nonce -o web.evidence
check "there is no log to look at" exits 1 verify boot.yaml web.evidence $nonce
check "which is said" has "$said" "FAIL  POLICY-BOOT-LOG"
"$tobichi" stop "$id" >/dev/null
stop
check "a TPM that is not there" exits 2 env TOBICHI_TEST_MACHINE=none "$serve" --run-folder "$work/run" \
	--state-folder "$work/state" --agent "$agent" --attester tpm --attester-device "swtpm:path=$work/no"
exit $failed
