#!/bin/sh
# `tobichi attest --platform` from device to verdict: drivers that are played, a software
# TPM for real, and Azure's confidential VM on it. Usage: attest.sh BUILD-FOLDER
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm_lib.sh"
machine=$1/tests/tools/attest-machine
azure_guest=$1/tests/tools/azure_guest
here=$(dirname "$0")
nonce=000102030405060708090a0b0c0d0e0f
export TOBICHI_TEST_FOLDER="$work"

# ---- this machine ----
# It may be any; what is not here is said, and no device of it is named.
"$tobichi" attest --list >list 2>&1
list_status=$?
check "the list names every platform" same "$(grep -c '^[a-z]' list)" 7
check "and what is missing" grep -q "/dev/nsm is not there" list
check "its status says whether there is one" test $list_status -le 1
check "a platform that is not known" exits 2 "$tobichi" attest --platform nonsense
check "is named" has "$said" "'nonsense' is none that is known"
check "an enclave and a platform" exits 2 "$tobichi" attest web --platform auto
check "a nonce and report data" exits 2 "$tobichi" attest --platform nsm --nonce $nonce --report-data 00
check "report data of 65 bytes" exits 2 "$tobichi" attest --platform nsm \
	--report-data "$(printf '%0130d' 0)"
check "an enclave takes no --raw" exits 2 "$tobichi" attest web --raw
check "a handle that is none" exits 2 "$tobichi" attest --platform tpm --ak 0x01400001
check "a level of four" exits 2 "$tobichi" attest --platform tsm --privilege 4
check "a level where there is none" exits 2 "$tobichi" attest --platform nsm --privilege 1
check "no patience" exits 2 "$tobichi" attest --platform tsm --timeout 0

# ---- drivers that are played ----
play() { # MACHINE COMMAND...
	TOBICHI_TEST_MACHINE=$1
	export TOBICHI_TEST_MACHINE
	shift
	"$machine" "$@"
}
verify() { # FILE NONCE OPTION...
	of=$1 by=$2
	shift 2
	"$tobichi" verify "$of" --policy policy.yaml --at "$(cat time)" --nonce "$by" "$@"
}
for each in sev-guest tsm nsm; do
	rm -f ./*.evidence
	check "$each: evidence" exits 0 play $each attest --platform auto --nonce $nonce
	check "$each: by that device" has "$said" "platform  $each"
	check "$each: is accepted" exits 0 verify $each.evidence $nonce
	check "$each: not for another nonce" exits 1 verify $each.evidence 000102030405060708090a0b0c0d0e0e
done
check "gramine: evidence" exits 0 play gramine attest --platform auto --nonce $nonce
check "gramine: by its files" has "$said" "platform  gramine"
check "gramine: is accepted" exits 0 verify gramine.evidence $nonce --collateral collateral
check "gramine: not for another nonce" exits 1 verify gramine.evidence 000102030405060708090a0b0c0d0e0e \
	--collateral collateral
check "a collection in JSON" exits 0 play tsm attest --platform tsm --nonce $nonce --format cmw-json -o json.evidence
check "is JSON" same "$(jq -r '.cpu[0]' json.evidence)" application/vnd.tobichi.snp-report
check "and is accepted" exits 0 verify json.evidence $nonce
check "not for another nonce" exits 1 verify json.evidence 000102030405060708090a0b0c0d0e0e
check "a form that there is not" exits 2 "$tobichi" attest --platform tsm --format xml
check "a form of bare evidence" exits 2 "$tobichi" attest --platform tsm --format cmw-json --raw
check "bytes of the caller's own" exits 0 play tsm attest --platform tsm --report-data beef -o own.evidence
check "are accepted as the nonce is compared" exits 1 verify own.evidence $nonce
check "no claims are in it" exits 0 play tsm attest --platform tsm --report-data 6265656662656566 -o own.evidence
check "and it is accepted for them" exits 0 verify own.evidence 6265656662656566
"$tobichi" keygen -o mine --type p256 >/dev/null
check "a key of the caller's" exits 0 play tsm attest --platform tsm --nonce $nonce --key mine.pub
check "is in the claims" exits 0 verify tsm.evidence $nonce
check "a key that is none" exits 2 play tsm attest --platform tsm --key policy.yaml
check "bare evidence" exits 0 play tsm attest --platform tsm --report-data 6265656662656566 --raw -o raw
check "and its pieces" test -s raw/snp-report.bin -a -s raw/vcek.der -a -s raw/ask.der -a -s raw/crl.der
check "what is said to be next" exits 0 sh -c \
	"$(echo "$said" | sed -n "s|^next *tobichi \(.*\) --policy FILE|'$tobichi' \1 --policy policy.yaml --at $(cat time)|p")"
check "another writer, once" exits 0 env TOBICHI_TEST_DISTURB=1 TOBICHI_TEST_MACHINE=tsm \
	"$machine" attest --platform tsm --nonce $nonce
check "is no harm" exits 0 verify tsm.evidence $nonce
check "another writer, always" exits 2 env TOBICHI_TEST_DISTURB=99 TOBICHI_TEST_MACHINE=tsm \
	"$machine" attest --platform tsm --nonce $nonce -o disturbed
check "is refused" has "$said" "another writer"
check "and nothing is written" test ! -e disturbed
check "only a TDREPORT" exits 2 play tdx-report attest --platform auto
check "is said plainly" has "$said" "only a TDREPORT can be had here"
check "no device at all" exits 2 play none attest --platform auto
check "says what to do" has "$said" "--list"

# ---- a TPM ----
for tool in swtpm swtpm_setup tpm2_createprimary; do
	command -v $tool >/dev/null || { echo "the rest is skipped: there is no $tool"; exit $failed; }
done
done_with_tpm() {
	tpm_stop one
	[ -z "$server" ] || kill "$server" 2>/dev/null
	clean_up
}
server=
trap done_with_tpm EXIT
tpm_make one certificates
tpm_start one
device=swtpm:path=$work/one/socket
export TPM2TOOLS_TCTI="$device"
tpm2_pcrextend 8:sha256=1111111111111111111111111111111111111111111111111111111111111111
check "a TPM is listed" exits 0 play none attest --list --device "$device"
check "as present" has "$said" "tpm        yes"
check "and no confidential VM of Azure" has "$said" "azure      no"
data=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
check "a quote by a key of the EK's hierarchy" exits 0 "$tobichi" attest --platform tpm \
	--device "$device" --report-data $data --raw -o quote
check "has the EK's certificate" test -s quote/ek-rsa.der
check "nothing stays in the TPM" same "$(tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session)" ""
tpm2_createprimary -C e -G ecc256:ecdsa-sha256:null -c ak.context \
	-a "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign" >/dev/null
tpm2_readpublic -c ak.context -f pem -o ak.pem >/dev/null
tpm2_flushcontext -t
check "the quote is the TPM's, by tpm2-tools" exits 0 tpm2_checkquote -u ak.pem \
	-m quote/tpm-quote.bin -s quote/signature.bin -q $data -g sha256
check "not for another nonce" exits 1 tpm2_checkquote -u ak.pem \
	-m quote/tpm-quote.bin -s quote/signature.bin -q ff"${data#??}" -g sha256
{
	printf 'version: 1\ntiers: [tpm]\nidentity:\n  mode: any-instance\nroots:\n  - tier: tpm\n    anchors: |\n'
	sed 's/^/      /' ak.pem
	printf 'tpm:\n  pcrs:\n    - index: 8\n      value: "%s"\n' \
		"$(tpm2_pcrread sha256:8 | sed -n 's/.*: 0x//p' | tr A-F a-f)"
} >tpm.yaml
check "a quote for a nonce" exits 0 "$tobichi" attest --platform tpm --device "$device" --nonce $nonce
check "is accepted as evidence of tier tpm" exits 0 "$tobichi" verify tpm.evidence --policy tpm.yaml --nonce $nonce
check "not for another nonce" exits 1 "$tobichi" verify tpm.evidence --policy tpm.yaml --nonce ff$nonce
check "by the claims" has "$said" "FAIL  CLAIMS-NONCE"
tpm2_pcrextend 8:sha256=2222222222222222222222222222222222222222222222222222222222222222
check "what has started since" exits 0 "$tobichi" attest --platform tpm --device "$device" --nonce $nonce
check "is not what the policy means" exits 1 "$tobichi" verify tpm.evidence --policy tpm.yaml --nonce $nonce
check "by its PCR" has "$said" "FAIL  POLICY-PCRS"
check "a quote over bytes of the caller's own" exits 0 "$tobichi" attest --platform tpm \
	--device "$device" --report-data $data --raw -o quote
check "PCR 8 is in the values" same "$(od -An -v -tx1 -j 256 -N 32 quote/pcrs.bin | tr -d ' \n')" \
	"$(tpm2_pcrread sha256:8 | sed -n 's/.*: 0x//p' | tr A-F a-f)"
check "some PCRs" exits 0 "$tobichi" attest --platform tpm --device "$device" --pcrs 0,8,23 \
	--report-data $data --raw -o quote
check "have three values" same "$(wc -c <quote/pcrs.bin)" 96
# As Google has it: a template, and a certificate of the key that comes of it.
{ head -c 6 quote/ak.pub; printf '\004'; head -c -68 quote/ak.pub | tail -c +8; printf '\0\0\0\0'; } >template
tpm2_nvdefine -C o -s "$(wc -c <template)" -a "ownerread|ownerwrite|authread" 0x01c10003 >/dev/null
tpm2_nvwrite -C o -i template 0x01c10003
check "a key by the cloud's template" exits 0 "$tobichi" attest --platform tpm --device "$device" \
	--report-data $data --raw -o google
check "is another one" sh -c '! cmp -s quote/ak.pub google/ak.pub'
/usr/bin/python3 -c 'import sys
x = open("google/ak.pub", "rb").read()
open("google.der", "wb").write(bytes.fromhex(
    "3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\4" + x[-66:-34] + x[-32:])'
openssl pkey -pubin -inform DER -in google.der -out google.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=Cloud \
	-days 30 2>/dev/null
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=2.23.133.8.3\nbasicConstraints=critical,CA:false\n' >ak.ext
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -subj /CN=instance -out ak.csr 2>/dev/null
openssl x509 -req -in ak.csr -CA ca.pem -CAkey ca.key -CAcreateserial -force_pubkey google.pem -extfile ak.ext \
	-days 20 -outform DER -out ak.der 2>/dev/null
tpm2_nvdefine -C o -s 2048 -a "ownerread|ownerwrite|authread" 0x01c10002 >/dev/null
tpm2_nvwrite -C o -i ak.der 0x01c10002
check "with its certificate" exits 0 "$tobichi" attest --platform tpm --device "$device" --nonce $nonce
{
	printf 'version: 1\ntiers: [tpm]\nidentity:\n  mode: any-instance\nroots:\n  - tier: tpm\n    anchors: |\n'
	sed 's/^/      /' ca.pem
	printf 'tpm:\n  pcrs:\n    - index: 8\n      value: "%s"\n' \
		"$(tpm2_pcrread sha256:8 | sed -n 's/.*: 0x//p' | tr A-F a-f)"
} >cloud.yaml
check "is accepted by the cloud's root" exits 0 "$tobichi" verify tpm.evidence --policy cloud.yaml --nonce $nonce
check "for the certificate's sake" has "$said" "ok    TPM-AK-CERTIFICATE"
check "a key that is persistent" sh -c "tpm2_createprimary -C o -G rsa2048:rsassa-sha256:null -c own.context \
	-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' >/dev/null &&
	tpm2_evictcontrol -C o -c own.context 0x81000003 >/dev/null; tpm2_flushcontext -t"
check "is found" exits 0 "$tobichi" attest --platform tpm --device "$device" --report-data $data --raw -o quote
tpm2_readpublic -c 0x81000003 -f pem -o own.pem >/dev/null
check "and signs" exits 0 tpm2_checkquote -u own.pem -m quote/tpm-quote.bin -s quote/signature.bin -q $data -g sha256
tpm2_createprimary -C o -G rsa2048 -c storage.context >/dev/null
tpm2_evictcontrol -C o -c storage.context 0x81000001 >/dev/null
tpm2_flushcontext -t
check "a key that may not sign" exits 2 "$tobichi" attest --platform tpm --device "$device" --ak 0x81000001
check "is refused" has "$said" "no key that is restricted"
check "a handle without a key" exits 2 "$tobichi" attest --platform tpm --device "$device" --ak 0x81000777
check "is said" has "$said" "there is nothing under"
check "a TPM that is not there" exits 2 "$tobichi" attest --platform tpm --device "swtpm:path=$work/no/socket"

# ---- Azure's confidential VM ----
port=$(free_port)
echo ok >mode
/usr/bin/python3 "$here/metadata.py" "$port" "$work" &
server=$!
azure() { # COMMAND OPTION...
	command=$1
	shift
	"$command" attest --platform azure --device "$device" --metadata "http://127.0.0.1:$port" "$@"
}
zeros=$(printf '%064d' 0)
put_report() { # snp|tdx: over $data
	"$azure_guest" "$work" "$1" own.pem "$data$zeros" >azure.log 2>&1 || { cat azure.log; exit 1; }
	tpm2_nvundefine -C o 0x01400001 >/dev/null 2>&1
	tpm2_nvdefine -C o -s "$(wc -c <hcl.bin)" -a "ownerread|ownerwrite" 0x01400001 >/dev/null
	tpm2_nvwrite -C o -i hcl.bin 0x01400001
}
azure_to() { # FOLDER
	"$tobichi" attest --platform azure --device "$device" --metadata "http://127.0.0.1:$port" \
		--report-data $data --raw -o "$1"
}
check "without a report it is none" exits 2 azure_to none
put_report snp
eventually sh -c "/usr/bin/python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", $port))'"
check "it is listed" exits 0 play none attest --list --device "$device"
check "as present, of its kind" has "$said" "gives azure-snp"
check "evidence" exits 0 azure_to azure
check "is the report" cmp -s azure/azure-snp.bin hcl.bin
check "the user's data was written" same "$(tpm2_nvread -C o 0x01400002 | od -An -v -tx1 | tr -d ' \n')" "$data$zeros"
check "the quote is by the key that the report names" exits 0 tpm2_checkquote -u own.pem \
	-m azure/quote.bin -s azure/signature.bin -q $data -g sha256
sed 's/tiers: \[snp\]/tiers: [azure-snp]/; s/- tier: snp/- tier: azure-snp/' policy.yaml >azure.yaml
verify_azure() { # FILE NONCE OPTION...
	file=$1 challenge=$2
	shift 2
	"$tobichi" verify "$file" --policy azure.yaml --nonce "$challenge" --at "$(cat time)" --with crl.der "$@"
}
check "with its pieces it is accepted" exits 0 verify_azure azure/azure-snp.bin $data --with azure/quote.bin \
	--with azure/signature.bin --with azure/pcrs.bin --with azure/vcek.pem --with azure/chain.pem
check "not without the quote" exits 1 verify_azure azure/azure-snp.bin $data \
	--with azure/vcek.pem --with azure/chain.pem
check "as one file" exits 0 azure "$tobichi" --report-data $data -o azure.evidence
check "it is accepted, too" exits 0 verify_azure azure.evidence $data
check "not for other bytes" exits 1 verify_azure azure.evidence ff${data#??}
check "the chip's certificates are there" test -s azure/vcek.pem -a -s azure/chain.pem
check "the service was asked as it wants" grep -q "^GET /metadata/THIM/amd/certification true 0" asked
: >asked
echo busy >mode
check "a service that is busy" exits 0 azure_to azure
check "is asked again" same "$(wc -l <asked)" 3
for each in "broken 500" "large over" "nonsense premature" "other vcekCert" "redirect redirect"; do
	echo "${each% *}" >mode
	check "a service that is ${each% *}" exits 2 azure_to not
	check "is said to be so" has "$said" "${each#* }"
done
echo silent >mode
check "a service that is silent" exits 2 env TOBICHI_TEST_MACHINE=none "$machine" attest --platform azure \
	--device "$device" --metadata "http://127.0.0.1:$port" --report-data $data --raw -o not
check "is not waited for" has "$said" "too long"
check "nothing was written for them" test ! -e not
check "another host by plain http" exits 2 "$tobichi" attest --platform azure --device "$device" \
	--metadata http://192.0.2.1 --report-data $data
check "is refused" has "$said" "https:// is needed"
echo ok >mode
put_report tdx
check "of TDX" exits 0 azure_to azure
check "the service makes the quote" cmp -s azure/td-quote.bin td-quote
check "and was given the report" grep -q "^POST /acc/tdquote true 1379" asked
# For a nonce: the paravisor makes a new report over what was written, which a software
# TPM does not; so the report is made after a first try.
echo ok >mode
check "an old report for a nonce" exits 2 azure "$tobichi" --nonce $nonce --key mine.pub -o azure.evidence
written=$(tpm2_nvread -C o 0x01400002 | od -An -v -tx1 | tr -d ' \n')
data=$(echo "$written" | cut -c1-64)
put_report snp
check "a new one" exits 0 azure "$tobichi" --nonce $nonce --key mine.pub -o azure.evidence
sed 's/tiers: \[snp\]/tiers: [azure-snp]/; s/- tier: snp/- tier: azure-snp/' policy.yaml >azure.yaml
check "is accepted for the nonce, by the claims" exits 0 verify_azure azure.evidence $nonce
check "not for another nonce" exits 1 verify_azure azure.evidence ff$nonce
case $data in # which is a hash of a key that was made here: it may begin with anything
0*) data=1${data#?} ;;
*) data=0${data#?} ;;
esac
check "a report over other data" exits 2 azure_to not
check "is refused" has "$said" "another question"
exit $failed
