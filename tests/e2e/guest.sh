#!/bin/sh
# An enclave in a guest of SEV-SNP that attests, too: the service's hardware is played, all
# else is real. Usage: guest.sh BUILD-FOLDER
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/guest_lib.sh"

"$tobichi" platform init >/dev/null
"$tobichi" build --tier soft --port 8000 -o web.tobi -- python3 -m http.server 8000 >/dev/null
check "a service on hardware that is not here" exits 2 env TOBICHI_TEST_MACHINE=none "$serve" \
	--run-folder "$work/run" --state-folder "$work/state" --agent "$agent" --attester sev-guest
check "does not start" has "$said" "/dev/sev-guest is not there"
check "an attester that is not known" exits 2 env TOBICHI_TEST_MACHINE=none "$serve" \
	--run-folder "$work/run" --state-folder "$work/state" --agent "$agent" --attester auto
check "is named" has "$said" "'auto' is none that is known"
check "one that is of a single process" exits 2 env TOBICHI_TEST_MACHINE=gramine "$serve" \
	--run-folder "$work/run" --state-folder "$work/state" --agent "$agent" --attester gramine
check "is told why not" has "$said" "no enclave can run inside"

start sev-guest --attester sev-guest
check "a service in a guest starts" test -n "$(service)"
port=$(free_port)
id=$("$tobichi" run --detach --publish "$port:8000" web.tobi)
check "an enclave runs in it" test ${#id} = 8
cp policy.yaml snp.yaml # of the hardware, by the service
image=$(sed -n 's/^images: *\[*"*\([0-9a-f]*\).*/\1/p' snp.yaml | head -1)
[ -n "$image" ] || image=$(sed -n '/^images:/,/^[a-z]/s/^ *- *"*\([0-9a-f]*\).*/\1/p' snp.yaml | head -1)
roots() { sed -n '/^ *- tier: snp/,/END CERTIFICATE/p' snp.yaml; }
with_guest() { # FILE IMAGE
	sed '/^roots:/q' web.policy.yaml
	roots
	sed '1,/^roots:/d' web.policy.yaml
	printf 'guest:\n  tiers: [snp]\n  images: [%s]\n' "$2"
}
with_guest guest.yaml "$image" >guest.yaml
with_guest other.yaml "$(echo "$image" | tr 0-9a-f 1-9a-f0)" >other.yaml
sed '/^guest:/,$d' guest.yaml >soft.yaml

check "its evidence, as a file" exits 0 "$tobichi" attest "$id" --nonce $nonce -o web.evidence
verify() { "$tobichi" verify "${2:-web.evidence}" --policy "$1" --nonce $nonce; }
check "is accepted with the guest around it" exits 0 verify guest.yaml
check "by the row" has "$said" "ok    POLICY-GUEST"
check "and what the guest is, is shown" has "$said" "guest image"
check "another measurement of the guest is refused" exits 1 verify other.yaml
check "by the row" has "$said" "POLICY-GUEST"
check "for the image" has "$said" "POLICY-IMAGE"
check "a policy that does not ask takes it" exits 0 verify soft.yaml
check "and says that it did not look" has "$said" "the policy does not ask for it"
check "another nonce is refused" exits 1 "$tobichi" verify web.evidence --policy guest.yaml --nonce ff$nonce

check "whom the policy trusts is shown" exits 0 "$tobichi" trust guest.yaml
check "with the guest's hardware" has "$said" "guest of tier snp"
check "and not as if its root did nothing" hasnt "$said" "roots for tier snp"

# The session: the same, bound to it.
check "a client that asks for the guest is let in" exits 0 "$tobichi" connect "127.0.0.1:$port" \
	--policy guest.yaml -- sh -c 'printf "GET / HTTP/1.0\r\n\r\n"; head -1'
check "one that means another guest is not" exits 1 "$tobichi" connect "127.0.0.1:$port" \
	--policy other.yaml -- true
check "for the guest" has "$said" "POLICY-GUEST"
for each in 1 2 3 4 5; do
	"$tobichi" connect "127.0.0.1:$port" --policy guest.yaml --quiet -- true 2>"many.$each" &
	eval "client$each=\$!"
done
for each in 1 2 3 4 5; do
	eval "wait \$client$each"
	check "of five at once, number $each" same $? 0
done

# Evidence of another request in its place.
"$tobichi" attest "$id" --nonce ff$nonce -o later.evidence >/dev/null
move_guest web.evidence later.evidence moved.evidence
/usr/bin/python3 -B - <<'END'
whole = open("web.evidence", "rb").read()
start = whole.index(b"\x65guest")
at = start + 6 + 1 + 22
assert whole[at - 1] == 0x59
size = int.from_bytes(whole[at:at + 2], "big")
open("without.evidence", "wb").write(bytes([whole[0] - 1]) + whole[1:start] + whole[at + 2 + size + 1:])
END
check "the guest's evidence of another request is refused" exits 1 verify guest.yaml moved.evidence
check "by its report data" has "$said" "SNP-REPORT-DATA"
check "without the guest's evidence it is refused" exits 1 verify guest.yaml without.evidence
check "by the row" has "$said" "FAIL  POLICY-GUEST"
check "and is the enclave's all the same" exits 0 verify soft.yaml without.evidence
"$tobichi" stop "$id"
stop

# Without --attester nothing is asked, and nobody is told so.
start sev-guest
id=$("$tobichi" run --detach --publish "$port:8000" web.tobi)
"$tobichi" attest "$id" --nonce $nonce -o plain.evidence >/dev/null
check "without --attester there is no guest" exits 1 verify guest.yaml plain.evidence
check "which is said" has "$said" "there is none"
check "the enclave's own evidence is as ever" exits 0 verify soft.yaml plain.evidence
"$tobichi" stop "$id"
stop
exit $failed
