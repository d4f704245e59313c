#!/bin/sh
# Quotes as tpm2-tools make them, of a software TPM: what tpm2_checkquote accepts and
# refuses, tobichi verify does, with each form of what comes beside the quote.
# Usage: tpm_quote.sh BUILD_FOLDER
set -u
for tool in swtpm swtpm_setup swtpm_localca tpm2_createak tpm2_checkquote tpm2_certify; do
	command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm_lib.sh"
trap 'tpm_stop a; clean_up' EXIT
tpm_make a certificates
tpm_start a
export TPM2TOOLS_TCTI="swtpm:path=$work/a/socket"
nonce=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
other=$(printf '%064d' 0)
value() { tpm2_pcrread "sha256:$1" | sed -n 's/.*0x//p'; }
tpm2_pcrextend "7:sha256=$(printf '%064d' 5)"
policy() { # KEY.pem VALUE-OF-PCR-7 MORE
	printf 'version: 1\ntiers: [tpm]\nidentity:\n  mode: any-instance\nroots:\n  - tier: tpm\n    anchors: |\n'
	sed 's/^/      /' "$1"
	printf 'tpm:\n  pcrs:\n    - index: 7\n      value: %s\n%b' "$2" "$3"
}
verify() { # POLICY PIECES...
	policy=$1
	shift
	for piece; do set -- "$@" --with "$piece"; shift; done
	"$tobichi" verify quote.msg "$@" --policy "$policy" --nonce $nonce
}
quote() { # NAME MORE..., by the key of ak.context
	name=$1
	shift
	tpm2_quote -c ak.context --scheme "$scheme" -l sha256:0,1,7,23 -q $nonce -g sha256 -m "$name.msg" \
		-s "$name.sig" -o "$name.pcrs" "$@"
	fresh
}
fresh() { tpm2_flushcontext -t; tpm2_flushcontext -l; tpm2_flushcontext -s; }
# tpm2_checkquote knows RSASSA only
other_tool() {
	if [ "$scheme" = rsapss ]; then
		openssl dgst -sha256 -sigopt rsa_padding_mode:pss -verify ak.pem -signature plain.sig plain.msg
	else
		checks $nonce
	fi
}
checks() { tpm2_checkquote -u ak.pem -m quote.msg -s quote.sig -f quote.pcrs -g sha256 -q "$1"; }

for kind in "ecc ecdsa" "rsa rsassa" "rsa rsapss"; do
	scheme=${kind#* }
	fresh
	tpm2_createek -c ek.context -G "${kind% *}" -u ek.public >/dev/null
	tpm2_createak -C ek.context -c ak.context -G "${kind% *}" -g sha256 -s "$scheme" -u ak.tpm2b -n ak.name >/dev/null
	fresh
	tpm2_readpublic -c ak.context -f pem -o ak.pem >/dev/null
	tpm2_readpublic -c ak.context -f tpmt -o ak.tpmt >/dev/null
	fresh
	quote quote >quote.said
	quote values -F values >/dev/null
	quote plain -f plain >/dev/null
	tpm2_pcrread sha256:0,1,7,23 >read.said
	policy ak.pem "$(value 7)" "" >named.yaml
	check "$scheme: another tool accepts it" exits 0 other_tool
	check "$scheme: so does tobichi" exits 0 verify named.yaml quote.sig quote.pcrs
	check "$scheme: it names the tier" has "$said" "tier      tpm"
	check "$scheme: with the key as tpm2_createak writes it" exits 0 verify named.yaml quote.sig quote.pcrs ak.tpm2b
	check "$scheme: it looks at the key's attributes" has "$said" "ok    TPM-AK-KEY"
	check "$scheme: as TPMT_PUBLIC" exits 0 verify named.yaml quote.sig quote.pcrs ak.tpmt
	check "$scheme: as PEM" exits 0 verify named.yaml quote.sig quote.pcrs ak.pem
	check "$scheme: with what tpm2_pcrread says" exits 0 verify named.yaml quote.sig read.said
	check "$scheme: with what tpm2_quote says" exits 0 verify named.yaml quote.sig quote.said
	cp values.msg quote.msg
	check "$scheme: with bare values" exits 0 verify named.yaml values.sig values.pcrs ak.tpmt
	cp plain.msg quote.msg
	check "$scheme: with a plain signature" exits 0 verify named.yaml plain.sig plain.pcrs ak.tpmt
	quote quote >/dev/null

	check "$scheme: tpm2_checkquote refuses another nonce" exits 1 checks "$other"
	nonce_was=$nonce nonce=$other
	check "$scheme: so does tobichi" exits 1 verify named.yaml quote.sig quote.pcrs
	nonce=$nonce_was
	check "$scheme: and says why" has "$said" "FAIL  CLAIMS-NONCE"
	policy ak.pem "$other" "" >other.yaml
	check "$scheme: another value refuses" exits 1 verify other.yaml quote.sig quote.pcrs
	check "$scheme: and says which" has "$said" "PCR 7"
	check "$scheme: without values" exits 1 verify named.yaml quote.sig
	check "$scheme: the policy's PCR is not there" has "$said" "FAIL  POLICY-PCRS"
	cp quote.pcrs good.pcrs
	printf '\377' | dd of=quote.pcrs bs=1 seek=160 conv=notrunc 2>/dev/null
	check "$scheme: tpm2_checkquote refuses changed values" exits 1 checks $nonce
	check "$scheme: so does tobichi" exits 1 verify named.yaml quote.sig quote.pcrs
	check "$scheme: and says that they are others" has "$said" "FAIL  TPM-QUOTE-PCRS"
	cp good.pcrs quote.pcrs
	size=$(wc -c <quote.sig)
	cp quote.sig good.sig
	last=$(tail -c 1 quote.sig | od -An -tu1 | tr -d ' ')
	printf "\\$(printf '%03o' $((last ^ 1)))" | dd of=quote.sig bs=1 seek=$((size - 1)) conv=notrunc 2>/dev/null
	check "$scheme: tpm2_checkquote refuses a changed signature" exits 1 checks $nonce
	check "$scheme: so does tobichi" exits 1 verify named.yaml quote.sig quote.pcrs ak.pem
	check "$scheme: and says that it does not verify" has "$said" "FAIL  TPM-QUOTE-SIGNATURE"
	cp good.sig quote.sig
done

# the machine starts again
policy ak.pem "$(value 7)" "  resets: $(tpm2_print -t TPMS_ATTEST quote.msg | sed -n 's/ *resetCount: //p')\n" >resets.yaml
check "as often started as the policy says" exits 0 verify resets.yaml quote.sig quote.pcrs
sed 's/resets: .*/resets: 4000000/' resets.yaml >never.yaml
check "a policy that wants another number" exits 1 verify never.yaml quote.sig quote.pcrs
check "is told" has "$said" "FAIL  POLICY-TPM-RESETS"

# a key that signs anything is no attestation key, whoever names it
fresh
tpm2_createprimary -C o -G rsa -c primary.context >/dev/null
tpm2_create -C primary.context -G rsa:rsassa-sha256 -a "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign" \
	-u free.pub -r free.priv >/dev/null
fresh
tpm2_load -C primary.context -u free.pub -r free.priv -c free.context >/dev/null
fresh
tpm2_quote -c free.context -l sha256:0,1,7,23 -q $nonce -g sha256 -m quote.msg -s free.sig -o free.pcrs >/dev/null
fresh
tpm2_readpublic -c free.context -f pem -o free.pem >/dev/null
policy free.pem "$(value 7)" "" >free.yaml
check "a quote by a key that signs anything" exits 1 verify free.yaml free.sig free.pcrs free.pub
check "is refused for that" has "$said" "FAIL  TPM-AK-KEY"
check "without its public area a policy may ask for it" exits 1 sh -c "sed 's/^tpm:/tpm:\n  ak-public: required/' free.yaml >asks.yaml
	'$tobichi' verify quote.msg --with free.sig --with free.pcrs --policy asks.yaml --nonce $nonce"
check "and says so" has "$said" "FAIL  POLICY-TPM-AK"

# a key in the same TPM, certified by the attestation key
quote quote >/dev/null
tpm2_certify -c free.context -C ak.context -g sha256 --scheme "$scheme" -o certify.msg -s certify.sig >/dev/null
hash=$(openssl pkey -pubin -in free.pem -outform DER | sha256sum | cut -d' ' -f1)
policy ak.pem "$(value 7)" "  certified-keys: [$hash]\n" >certified.yaml
check "a certified key" exits 0 verify certified.yaml quote.sig quote.pcrs ak.tpmt certify.msg certify.sig free.pub
check "is proven" has "$said" "ok    TPM-CERTIFY"
check "without the statement it is not" exits 1 verify certified.yaml quote.sig quote.pcrs ak.tpmt
check "which is told" has "$said" "FAIL  POLICY-TPM-CERTIFIED-KEY"
exit $failed
