#!/bin/sh
# `tobichi verify` on the forms in which evidence is handed on, and on what is none. The
# evidence is a document of AWS Nitro under a root that is made here.
# Usage: forms.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
"$1/tests/tools/nitro" "$work" >/dev/null 2>&1 || { echo "FAILED: no document"; exit 1; }
nonce=$(cat nonce) time=$(cat time)
verify() { "$tobichi" verify "$1" --policy "${2:-policy.yaml}" --nonce "$nonce" --at "$time"; }

# ---- what the result says ----
check "a document is accepted as it is" exits 0 verify document
check "with its kind" has "$said" "evidence  nitro-doc"
check "what its tier means" has "$said" "keeps out the EC2 instance around it"
check "what it says" has "$said" "  module              i-0123-enc4567"
check "and a count of the checks" has "$said" "Checks: "
check "its root is a test's: without the policy's word it is refused" exits 1 verify document vendor.yaml
check "by the chain" has "$said" "FAIL  NITRO-CHAIN"
check "with what to do" has "$said" "do        A document of real hardware"
check "and where to read about it" has "$said" "see       AWS Nitro Enclaves attestation process"
check "as JSON" exits 0 "$tobichi" verify document --policy policy.yaml --nonce "$nonce" --at "$time" --json
check "the facts are in it" same "$(echo "$said" | jq -r '.submods.enclave.tobichi.facts[0].value')" i-0123-enc4567
check "and the kind" same "$(echo "$said" | jq -r '.submods.enclave.tobichi.evidence')" nitro-doc
check "another nonce is refused" exits 1 "$tobichi" verify document --policy policy.yaml \
	--nonce 0001020304050607 --at "$time"
check "a nonce may be as long as Nitro's" exits 1 "$tobichi" verify document --policy policy.yaml \
	--nonce "$(printf '%02048d' 0)" --at "$time"
check "but no longer" exits 2 "$tobichi" verify document --policy policy.yaml \
	--nonce "$(printf '%02050d' 0)" --at "$time"

# ---- the forms ----
od -An -v -tx1 document >hex.spaced
tr -d ' \n' <hex.spaced >hex
tr a-f A-F <hex >hex.upper
{ printf 0x; cat hex; } >hex.0x
base64 document >base64
base64 -w 0 document >base64.line
sed 's/$/\r/' base64 >base64.crlf
base64 -w 0 document | tr '+/' '-_' | tr -d = >base64url
{ echo "-----BEGIN NITRO DOCUMENT-----"; cat base64; echo "-----END NITRO DOCUMENT-----"; } >armour
for form in hex hex.spaced hex.upper hex.0x base64 base64.line base64.crlf base64url armour; do
	check "$form is read" exits 0 verify $form
	check "$form is the document" has "$said" "ACCEPTED"
done

# ---- what is not read ----
base64 hex >twice
{ cat armour; cat armour; } >two
{ echo text; cat armour; } >beside
head -c 3001 hex >hex.cut
echo hello >text
{ cat hex; echo 00; } >hex.more
for form in twice two beside hex.cut text; do
	check "$form is not" exits 2 verify $form
	check "$form: one line" same "$(echo "$said" | wc -l)" 1
	check "$form: which kinds are known" has "$said" "known are: a collection of tobichi attest"
done
check "a byte more is an error" exits 2 verify hex.more
check "at its place" has "$said" "Nitro document: end at byte"
head -c 3000 document >cut
check "a document that ends too early is an error" exits 2 verify cut
check "that says where" has "$said" "Nitro document: payload at byte"
: >empty
check "an empty file is an error" exits 2 verify empty
check "that says so" has "$said" "evidence: the file is empty"
check "what comes beside it is named, too" exits 2 "$tobichi" verify document --policy policy.yaml --with nothing
check "once" has "$said" "--with: there is no file nothing"

# ---- what is given in its place ----
instead() { # FILE WORDS
	check "$1 in the place of evidence" exits 2 verify "$1"
	check "$1: what it is" has "$said" "$2"
	check "$1: one line" same "$(echo "$said" | wc -l)" 1
}
{ printf '\201\000\001\000'; head -c 1020 /dev/zero; } >tdreport
instead tdreport "TDREPORT"
head -c 432 /dev/zero >report
instead report "this is a REPORT of SGX"
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl req -x509 -key key.pem -subj /CN=SEV-VCEK -days 9 -out vcek.pem 2>/dev/null
openssl x509 -in vcek.pem -outform DER -out vcek.der
instead vcek.pem "this is a vendor's certificate"
instead vcek.der "--with"
base64 vcek.der >vcek.base64
instead vcek.base64 "--with"
echo '{"tcbInfo":{"version":3},"signature":"00"}' >tcb.json
instead tcb.json "this is collateral"
{ printf '\000\000\000\000\003\000\000\000'; head -c 20 /dev/zero; printf '\041\000\000\000Spec ID Event03'
	head -c 64 /dev/zero; } >log
instead log "this is an event log"
instead policy.yaml "this is a policy"
exit $failed
