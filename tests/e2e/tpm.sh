#!/bin/sh
# A platform whose keys are in a TPM, here a software one of its own.
# Usage: tpm.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to launch enclaves as it does"; exit 77; }
for tool in swtpm swtpm_setup swtpm_localca tpm2_checkquote; do
	command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm_lib.sh"
trap 'tpm_stop a; tpm_stop b; clean_up' EXIT

tpm_make a certificates
tpm_start a
device=swtpm:path=$work/a/socket
export TPM2TOOLS_TCTI="$device"
initial=$(tpm_handles)
mkdir -m 700 run

# what a newcomer holds wrong
if [ ! -e /dev/tpmrm0 ]; then
	check "no TPM is named" exits 2 "$tobichi" platform init --root tpm
	check "it says what to do" has "$said" "--device"
fi
check "a device of no known kind" exits 2 "$tobichi" platform init --root tpm --device /dev/null
check "it names the kinds" has "$said" "swtpm:path=SOCKET"
check "nobody listens" exits 2 "$tobichi" platform init --root tpm --device "swtpm:path=$work/none"
check "it says so" has "$said" "is not there"
echo "not a device" >file
check "a file is no TPM" exits 2 "$tobichi" platform init --root tpm --device "device:$work/file"
check "it is called no device" has "$said" "is no device"
check "and nothing is written to it" same "$(cat file)" "not a device"
check "another device is no TPM either" exits 2 "$tobichi" platform init --root tpm --device device:/dev/null
check "it asks whether it is one" has "$said" "TPM 2.0?"

# the owner's authorisation
tpm2_changeauth -c owner opensesame
printf 'wrong\n' >wrong.pin
printf 'opensesame\n' >owner.pin
chmod 600 wrong.pin owner.pin
check "without it" exits 2 "$tobichi" platform init --root tpm --device "$device"
check "it is asked for" has "$said" "--pin-file"
check "a wrong one" exits 2 "$tobichi" platform init --root tpm --device "$device" --pin-file wrong.pin
check "it is called wrong" has "$said" "authorisation is wrong"
check "wrong ones do not lock the TPM" same "$(tpm_property TPM2_PT_LOCKOUT_COUNTER)" 0x0
chmod 644 owner.pin
check "a file that others may read" exits 2 "$tobichi" platform init --root tpm --device "$device" --pin-file owner.pin
chmod 600 owner.pin
check "failures leave nothing in the TPM" same "$(tpm_handles)" "$initial"
# killed when its objects are in the TPM and no file names them yet
words() { tpm_handles | wc -w; }
owned=$(($(echo "$initial" | wc -w) + 5))
if strace -o /dev/null true 2>/dev/null; then
	check "a start that is killed" exits 137 strace -f -o strace.log -e trace=link,linkat \
		-e inject=link,linkat:signal=KILL "$tobichi" platform init --root tpm --device "$device" --pin-file owner.pin
	check "leaves three keys, a storage key and a counter" same "$(words)" $owned
fi
check "the right one" exits 0 "$tobichi" platform init --root tpm --device "$device" --pin-file owner.pin --pcrs 10,23
check "the keys are in the TPM" has "$said" "tpm, in"
check "and under which handles" has "$said" "device         $device: platform key 0x81005400, "
check "for programs, too" has "$("$tobichi" platform status --json | jq -r .device)" "counter 0x01815400"
check "what a killed start left is gone" same "$(words)" $owned
check "it is in the folder what is public, and what names the rest" \
	same "$(ls state | tr '\n' ' ')" "ak.pem counters platform-ca.pem platform.pem tpm.root "
check "none of it is a private key" exits 1 grep -rl "PRIVATE KEY" state
check "nothing of it is left loaded" same "$(tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session)" ""

# evidence
"$tobichi" build --tier soft -o stay.tobi -- /bin/busybox sleep 1000 >/dev/null
id=$("$tobichi" run --detach stay.tobi)
evidence() { "$tobichi" attest "$id" -o "$1" | sed -n 's/^nonce *//p'; }
nonce=$(evidence one.evidence)
check "evidence with a quote is accepted" exits 0 "$tobichi" verify one.evidence --policy stay.policy.yaml \
	--nonce "$nonce" --extract-tpm quote
for code in FORMAT QUOTE-TYPE QUOTE-SIGNATURE QUOTE-NONCE QUOTE-PCRS AK-KEY AK-CHAIN KEY; do
	check "TPM-$code has passed" has "$said" "ok    TPM-$code "
done
check "it is said where the keys are" has "$said" "keys in a TPM"
checkquote() { # EXTRA
	tpm2_checkquote -u quote/ak.pem -m quote/quote.attest -s quote/quote.signature -g sha256 \
		-f quote/quote.pcrs -q "$1"
}
check "the PCRs are those asked for" has "$(tpm2_print -t TPMS_ATTEST quote/quote.attest)" "pcrSelect: ff0480"
check "tpm2_checkquote accepts the same quote" exits 0 checkquote quote/quote.extra
head -c 32 /dev/zero >zeros
check "and no other nonce" exits 1 checkquote zeros
pcr23=$(tpm2_pcrread sha256:23 | sed -n 's/.*0x//p' | tr A-F a-f)
{ cat stay.policy.yaml; printf 'tpm:\n  pcrs:\n    - index: 23\n      value: %s\n' "$pcr23"; } >pcr.yaml
check "a policy may name the values" exits 0 "$tobichi" verify one.evidence --policy pcr.yaml --nonce "$nonce"
tpm2_pcrextend 23:sha256=$(printf '%064d' 7)
nonce=$(evidence two.evidence)
check "other values are refused" exits 1 "$tobichi" verify two.evidence --policy pcr.yaml --nonce "$nonce"
check "and which" has "$said" "PCR 23"
port=$(free_port)
"$tobichi" build --tier soft --port 8000 -o web.tobi -- \
	/bin/busybox httpd -f -p 8000 >/dev/null
web=$("$tobichi" run --detach --publish "127.0.0.1:$port:8000" web.tobi)
fetch() {
	printf 'GET /index.html HTTP/1.0\r\n\r\n' |
		timeout 30 "$tobichi" connect "127.0.0.1:$port" --policy web.policy.yaml 2>&1 | grep -q "has proven"
}
check "attested TLS with a quote in the evidence" eventually fetch

# a hundred reports later
before=$(tpm_handles)
n=0
while [ $n -lt 100 ]; do
	"$tobichi" attest "$id" -o more.evidence >/dev/null || break
	n=$((n + 1))
done
check "a hundred reports" same $n 100
check "the TPM holds what it held" same "$(tpm_handles)" "$before"

# the owner's CA
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout owner.key -out owner.pem \
	-subj /CN=owner -days 30 -addext keyUsage=critical,keyCertSign 2>/dev/null
chmod 600 owner.key
cat a/ca/issuercert.pem a/ca/swtpm-localca-rootca-cert.pem >makers.pem
ca="--ek-roots makers.pem --ca-key owner.key --ca-cert owner.pem"
check "a request for the attestation key" exits 0 "$tobichi" platform ak-request --pin-file owner.pin -o ak.request
check "no roots that know this TPM's maker" exits 2 "$tobichi" platform ak-challenge ak.request \
	--ek-roots owner.pem --ca-key owner.key --ca-cert owner.pem -o none
check "it is about the endorsement certificate" has "$said" "endorsement certificate"
# shellcheck disable=SC2086
check "the owner's challenge" exits 0 "$tobichi" platform ak-challenge ak.request $ca -o ak.challenge
check "the certificate is not in it in the clear" exits 1 grep -q "BEGIN CERTIFICATE" ak.challenge
check "the TPM opens it" exits 0 "$tobichi" platform ak-activate ak.challenge --pin-file owner.pin
check "the certificate is the owner's" has "$(openssl x509 -in state/ak-owner.pem -noout -issuer)" owner
{ cat stay.policy.yaml; printf 'tpm:\n  anchors: |\n'; sed 's/^/    /' owner.pem; } >owner.yaml
kill "$(service)"
eventually test ! -e run/service.sock
id=$("$tobichi" run --detach stay.tobi)
nonce=$(evidence three.evidence)
check "a policy may trust the owner's CA alone for it" exits 0 "$tobichi" verify three.evidence --policy owner.yaml --nonce "$nonce"
check "evidence from before has no such chain" exits 1 "$tobichi" verify two.evidence --policy owner.yaml --at "$(date -u +%FT%TZ)"
check "and that is why" has "$said" "FAIL  TPM-AK-CHAIN"

# the same quote by itself: whose TPM it is says the owner's certificate
check "the quote is taken out" exits 0 "$tobichi" verify three.evidence --policy owner.yaml --nonce "$nonce" --extract-tpm alone
extra=$(od -An -tx1 alone/quote.extra | tr -d ' \n')
eks=$(for index in 0x1c00002 0x1c0000a 0x1c00016; do
	tpm2_nvread $index 2>/dev/null | openssl x509 -inform DER -pubkey -noout 2>/dev/null |
		openssl pkey -pubin -outform DER 2>/dev/null | sha256sum | cut -d' ' -f1
done | tr '\n' ',')
alone() { # EKS
	printf 'version: 1\ntiers: [tpm]\nidentity:\n  mode: any-instance\nroots:\n  - tier: tpm\n    anchors: |\n'
	sed 's/^/      /' owner.pem
	printf 'tpm:\n  ak-certificate: required\n  eks: [%s]\n  pcrs:\n    - index: 23\n      value: %s\n' \
		"$1" "$(tpm2_pcrread sha256:23 | sed -n 's/.*0x//p')"
}
alone "${eks%,}" >alone.yaml
alone "$(printf '%064d' 0)" >other-ek.yaml
verify_alone() { # POLICY CERTIFICATE
	"$tobichi" verify alone/quote.attest --with alone/quote.signature --with alone/quote.pcrs --with "$2" \
		--policy "$1" --nonce "$extra"
}
check "it is evidence of the tier tpm" exits 0 verify_alone alone.yaml state/ak-owner.pem
check "its certificate names the endorsement key" has "$said" "EK  "
check "another endorsement key refuses" exits 1 verify_alone other-ek.yaml state/ak-owner.pem
check "and that is why" has "$said" "FAIL  POLICY-TPM-EK"
check "the host's own certificate is nobody's" exits 1 verify_alone alone.yaml state/ak.pem
check "it is about the chain" has "$said" "FAIL  TPM-AK-CHAIN"

# another TPM: without certificates, and of no use for the first one's challenge
tpm_make b ""
tpm_start b
other() { TOBICHI_STATE_FOLDER="$work/state-b" TOBICHI_RUN_FOLDER="$work/run-b" "$tobichi" "$@"; }
check "a TPM without certificates will do" exits 0 other platform init --root tpm --device "swtpm:path=$work/b/socket"
check "its request has no endorsement certificate" exits 0 other platform ak-request -o b.request
check "it says what the owner needs then" has "$said" "ak-challenge --ek-key"
# shellcheck disable=SC2086
check "no maker's root helps" exits 2 "$tobichi" platform ak-challenge b.request $ca -o none
check "it names the other way" has "$said" "--ek-key"
check "it does not open another's challenge" exits 2 other platform ak-activate ak.challenge
check "it says whose it is" has "$said" "another TPM"

# its endorsement key as AWS gives an instance's: by itself, of each kind and in each form
other_tools() { TPM2TOOLS_TCTI=swtpm:path=$work/b/socket "$@"; }
ca_alone="--ca-key owner.key --ca-cert owner.pem"
for kind in rsa:der rsa:tpmt ecc384:der ecc384:tpmt ecc:pem; do
	algorithm=${kind%:*} form=${kind#*:} key=ek.${kind%:*}.${kind#*:}
	other_tools tpm2_createek -G "$algorithm" -c ek.context -u "$key" -f "$form" >/dev/null
	other_tools tpm2_flushcontext -t
	rm -f state-b/ak-owner.pem
	# shellcheck disable=SC2086
	check "$kind: the owner vouches for the endorsement key" exits 0 "$tobichi" platform ak-challenge b.request \
		--ek-key "$key" $ca_alone -o b.challenge
	check "$kind: and is told so" has "$said" "no certificate vouches for endorsement key"
	check "$kind: the TPM opens it" exits 0 other platform ak-activate b.challenge
	check "$kind: the certificate is the owner's" has "$(openssl x509 -in state-b/ak-owner.pem -noout -issuer)" owner
	check "$kind: no other TPM does" exits 2 "$tobichi" platform ak-activate b.challenge --pin-file owner.pin
	check "$kind: and it says whose it is" has "$said" "another TPM"
done
hash=$(openssl pkey -pubin -in ek.ecc.pem -outform DER | sha256sum | cut -d' ' -f1)
check "the certificate names that endorsement key" has \
	"$(openssl x509 -in state-b/ak-owner.pem -outform DER | od -An -v -tx1 | tr -d ' \n')" "$hash"
# shellcheck disable=SC2086
check "one of the two ways" exits 2 "$tobichi" platform ak-challenge b.request $ca --ek-key ek.ecc.pem -o none
check "they are named" has "$said" "--ek-roots or --ek-key"
# shellcheck disable=SC2086
check "a private key is none" exits 2 "$tobichi" platform ak-challenge b.request --ek-key owner.key $ca_alone -o none
check "it says so" has "$said" "private key"

# sealing: on a TPM, and after a move from files into it
"$tobichi" build --tier soft -o shell.tobi -- /bin/busybox sh >/dev/null
moving() { TOBICHI_STATE_FOLDER="$work/state-m" TOBICHI_RUN_FOLDER="$work/run-m" "$@"; }
inside() { # RUNNER... SCRIPT
	runner=$1
	printf 'cd /tmp\n%s\n' "$2" | $runner timeout -s KILL 60 "$tobichi" run shell.tobi
}
end_moving() {
	mover=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' run-m/service.log | tail -1)
	kill "$mover"
	eventually test ! -e run-m/service.sock
}
sealed=$(inside "" "printf 'in a TPM' | tobichi seal | base64 -w0")
check "what is sealed with a TPM is opened with it" \
	same "$(inside "" "echo '$sealed' | base64 -d | tobichi unseal")" "in a TPM"
moving "$tobichi" platform init >/dev/null
sealed=$(inside moving "printf 'from files' | tobichi seal | base64 -w0")
check "sealed with files" test -n "$sealed"
end_moving
check "the platform moves into a TPM" exits 0 moving "$tobichi" platform migrate --to tpm \
	--device "swtpm:path=$work/b/socket"
check "with its seal root" has "$said" "can be opened"
check "what files sealed is opened by the TPM" \
	same "$(inside moving "echo '$sealed' | base64 -d | tobichi unseal")" "from files"
check "its counter is in hardware" has "$(inside moving "tobichi counter increment visits 2>&1")" 1
end_moving
before=$(TPM2TOOLS_TCTI=swtpm:path=$work/b/socket tpm_handles | wc -w)
check "and back, with a new seal root" exits 0 moving "$tobichi" platform migrate --to file --new-seal-root
check "the TPM has forgotten it: three keys and a counter" \
	same "$(TPM2TOOLS_TCTI=swtpm:path=$work/b/socket tpm_handles | wc -w)" $((before - 4))

# a lock after wrong passwords of somebody else
tpm2_dictionarylockout -s -n 1 -t 86400 -l 86400
tpm2_nvdefine -C o -P opensesame 0x1500017 -s 8 -a "authread|authwrite" -p right >/dev/null
tpm2_nvread 0x1500017 -C 0x1500017 -P wrong >/dev/null 2>&1
check "the TPM is locked" has "$(tpm2_getcap properties-variable | grep inLockout)" 1
check "the platform is not" test -n "$(evidence locked.evidence)"
check "what it uses does not count" same "$(tpm_property TPM2_PT_LOCKOUT_COUNTER)" 0x1
tpm2_dictionarylockout -c

# a TPM that hangs, and one that goes away
main=$(service)
kill -STOP "$(cat a/pid)"
check "a TPM that hangs is waited for a while" exits 2 "$tobichi" attest "$id" -o none
check "and it is the TPM's fault" has "$said" "TPM"
kill -CONT "$(cat a/pid)"
check "when it goes on, so does the service" test -n "$(evidence again.evidence)"
tpm_stop a
check "a TPM that is gone" exits 2 "$tobichi" attest "$id" -o none
check "is named" has "$said" "is not there"
check "nothing is launched" exits 2 "$tobichi" run --detach stay.tobi
check "for the same reason" has "$said" "is not there"
check "the service lives" kill -0 "$main"
check "what runs is not ended" has "$("$tobichi" ps)" "$id"
tpm_start a
check "when it is back, it is used again" test -n "$(evidence back.evidence)"
check "by the same service" same "$(service)" "$main"

# not the TPM that it was
sed "s|$work/a/socket|$work/b/socket|" state/tpm.root >other.root
cp state/tpm.root keep.root
cat other.root >state/tpm.root
check "another TPM under the same name" exits 2 "$tobichi" platform status
check "is seen" has "$said" "another"
cat keep.root >state/tpm.root
handle=$(tpm2_getcap handles-persistent | sed -n 's/^- \(0x810054..\)$/\1/p' | head -1)
tpm2_evictcontrol -C o -P opensesame -c "$handle" >/dev/null
tpm2_createprimary -C o -P opensesame -G ecc -c primary.context >/dev/null
tpm2_evictcontrol -C o -P opensesame -c primary.context "$handle" >/dev/null
tpm2_flushcontext -t
check "another object under a handle" exits 2 "$tobichi" platform status
check "is named" has "$said" "under its handle $handle is another object"
check "evidence is not made with it" exits 2 "$tobichi" attest "$id" -o none
tpm2_clear
check "a TPM that was cleared" exits 2 "$tobichi" platform status
check "says so" has "$said" "the TPM was cleared"
check "the service has no evidence either" exits 2 "$tobichi" attest "$id" -o none
check "and says the same" has "$said" "the TPM was cleared"
check "and launches nothing" exits 2 "$tobichi" run --detach stay.tobi

# full
tpm_fill
rm -rf state-full
check "a TPM without room" exits 2 env TOBICHI_STATE_FOLDER="$work/state-full" "$tobichi" platform init \
	--root tpm --device "$device"
check "says what to do" has "$said" "tpm2_evictcontrol"
exit $failed
