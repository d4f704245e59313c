#!/bin/sh
# Enclaves in guests of each kind of hardware that attest, too, from device to verdict: the
# devices are played, all else is real. Usage: guest_kinds.sh BUILD-FOLDER
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/guest_lib.sh"

"$tobichi" platform init >/dev/null
"$tobichi" build --tier soft --port 8000 -o web.tobi -- python3 -m http.server 8000 >/dev/null
verify() { # POLICY FILE NONCE
	"$tobichi" verify "$2" --policy "$1" --nonce "$3" $collateral
}
reaches() { # POLICY
	"$tobichi" connect "127.0.0.1:$port" --policy "$1" $collateral -- \
		sh -c 'printf "GET / HTTP/1.0\r\n\r\n"; head -1'
}

# NAME TIER CHECK OPTION...: CHECK is the row by which evidence for another request fails
follow() {
	machine=$1 tier=$2 row=$3
	shift 3
	rm -rf collateral boot.lines ./*.evidence
	start "$machine" "$@"
	check "$machine: a service starts" test -n "$(service)"
	collateral=
	[ ! -d collateral ] || collateral="--collateral collateral"
	port=$(free_port)
	id=$("$tobichi" run --detach --publish "$port:8000" web.tobi)
	guest_policy "$tier" >guest.yaml
	guest_policy "$tier" "image=$(printf '%096d' 0)" >other.yaml
	guest_policy "$tier" root=no >stranger.yaml
	check "$machine: evidence" exits 0 "$tobichi" attest "$id" --nonce $nonce -o web.evidence
	check "$machine: is accepted" exits 0 verify guest.yaml web.evidence $nonce
	check "$machine: by the row" has "$said" "ok    POLICY-GUEST"
	check "$machine: of its tier" has "$said" "tier $tier"
	check "$machine: another nonce is refused" exits 1 verify guest.yaml web.evidence ff$nonce
	check "$machine: another measurement" exits 1 verify other.yaml web.evidence $nonce
	check "$machine: for the image" has "$said" "POLICY-IMAGE"
	check "$machine: keys of somebody else" exits 1 verify stranger.yaml web.evidence $nonce
	check "$machine: for the guest" has "$said" "FAIL  POLICY-GUEST"
	"$tobichi" attest "$id" --nonce ff$nonce -o later.evidence >/dev/null
	move_guest web.evidence later.evidence moved.evidence
	check "$machine: the guest's evidence of another request" exits 1 verify guest.yaml moved.evidence $nonce
	check "$machine: by its row" has "$said" "$row"
	check "$machine: a client is let in" exits 0 reaches guest.yaml
	check "$machine: one that means another guest is not" exits 1 reaches other.yaml
	check "$machine: nor one that trusts other keys" exits 1 reaches stranger.yaml
	[ ! -f boot.lines ] || follow_boot
	"$tobichi" stop "$id" >/dev/null
	stop
}
# What was started, by the event log of a guest that has one.
follow_boot() {
	{ cat guest.yaml boot.lines; } >boot.yaml
	sed 's/^  kernels: \[../  kernels: [00/' boot.yaml >kernel.yaml
	check "$machine: what was started is accepted" exits 0 verify boot.yaml web.evidence $nonce
	check "$machine: by the guest's own row" has "$said" "  ok    POLICY-BOOT-KERNELS"
	check "$machine: another kernel is not" exits 1 verify kernel.yaml web.evidence $nonce
	check "$machine: by its row" has "$said" "  FAIL  POLICY-BOOT-KERNELS"
	check "$machine: nor in a session" exits 1 reaches kernel.yaml
	check "$machine: where the other one is let in" exits 0 reaches boot.yaml
}

follow tsm-cca cca CCA-REPORT-DATA --attester tsm
follow tsm-tdx tdx TDX-REPORT-DATA --attester tsm --attester-logs
follow tdx-guest tdx TDX-REPORT-DATA --attester tdx-guest --attester-logs --attester-quote-service 2:4050
follow nsm nitro NITRO-BINDING --attester nsm
start tdx-guest --attester tdx-guest --attester-quote-service 2:4051
id=$("$tobichi" run --detach web.tobi)
check "a quoting service that is not there is an error" exits 2 "$tobichi" attest "$id" --nonce $nonce -o none.evidence
check "that is said" has "$said" "nobody answers at vsock 2:4051"
"$tobichi" stop "$id" >/dev/null
stop
exit $failed
