#!/bin/sh
# Results of a verifier as evidence of another one, tokens and wrappers: evidence is
# verified, the verdict is signed (EAR), and a second `tobichi verify` accepts it under a
# policy that names the verifier; programs of others read ours, and we read theirs.
# Usage: tokens.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
"$1/tests/tools/nitro" "$work" >/dev/null 2>&1 || { echo "FAILED: no document"; exit 1; }
nonce=$(cat nonce) time=$(cat time)
"$tobichi" keygen --type p256 -o verifier >/dev/null
"$tobichi" keygen --type p256 -o stranger >/dev/null
"$tobichi" keygen --type p256 -o attester >/dev/null
sign() { # FORM PROFILE FILE
	"$tobichi" verify document --policy policy.yaml --nonce "$nonce" --at "$time" --ear "$3" \
		--ear-key verifier.key --ear-format "$1" --ear-profile "$2" --ear-verifier https://verifier.example \
		--ear-lifetime 60
}
root() { sed 's/^/      /' "$1"; }
policy() { # KEY FILE MORE
	{
		printf 'version: 1\nname: relying party\ntiers: [ear]\nidentity: {mode: any-instance}\n'
		printf 'roots:\n  - tier: ear\n    anchors: |\n'
		root "$1"
		printf '%s\n' "$3"
	} >"$2"
}
name=$(sed -n 's/^name: *//p' policy.yaml)
[ -n "$name" ] || name=policy.yaml
rules="ear:
  policies: [\"$name\"]
  verifiers: [\"https://verifier.example\"]
  submods: [enclave]
  min-status: warning
  binding: bearer"
policy verifier.pub ear.yaml "$rules"
policy stranger.pub other.yaml "$rules"
second() { "$tobichi" verify "$1" --policy "${2:-ear.yaml}" --nonce "$nonce" --at "${3:-$time}"; }

# ---- from evidence to a result, and from it to a verdict ----
for form in jwt cwt cmw cmw-json; do
	for profile in new veraison; do
		check "$form, $profile: signed" exits 0 sign $form $profile "result.$form.$profile"
		check "$form, $profile: accepted" exits 0 second "result.$form.$profile"
		check "$form, $profile: says whose word it is" has "$said" "another verifier's word"
		check "$form, $profile: and of what" has "$said" "nitro-doc, tier nitro"
	done
done
{ cat result.jwt.new; echo; } >with.line
check "a line's end behind a token" exits 0 second with.line
check "another verifier's key is refused" exits 1 second result.jwt.new other.yaml
check "by its signer" has "$said" "FAIL  EAR-SIGNER"
sed 's/.\{9\}$/AAAAAAAAA/' result.jwt.new >changed
check "a changed signature is refused" exits 1 second changed
check "by the signature" has "$said" "FAIL  EAR-SIGNATURE"
check "an old one is refused" exits 1 second result.cwt.new ear.yaml "$(date -u -d "$time + 61 seconds" +%Y-%m-%dT%H:%M:%SZ)"
check "by its time" has "$said" "FAIL  EAR-TIME"
check "another nonce is refused" exits 1 "$tobichi" verify result.jwt.new --policy ear.yaml --nonce 0001020304050607 \
	--at "$time"
policy verifier.pub strict.yaml "ear: {policies: [\"$name\"]}"
check "a warning, where only affirming counts" exits 1 second result.jwt.new strict.yaml
check "by its status" has "$said" "FAIL  POLICY-EAR-STATUS"
check "and nobody's own" has "$said" "FAIL  POLICY-EAR-BINDING"
check "what is refused is signed, too" exits 1 "$tobichi" verify document --policy vendor.yaml --nonce "$nonce" \
	--at "$time" --ear bad --ear-key verifier.key
check "and refused again" exits 1 second bad
check "as contraindicated" has "$said" "contraindicated"

# ---- the attester's key ----
cat >bound.py <<'EOF'
import json, sys, time, jwt
from jwcrypto import jwk
key = jwk.JWK.from_pem(open("attester.pub", "rb").read())
now = int(sys.argv[1])
claims = {"eat_profile": "tag:github.com,2024:confidential-containers/Trustee", "iat": now, "exp": now + 300,
          "eat_nonce": sys.argv[2],
          "ear.verifier-id": {"developer": "https://verifier.example", "build": "attestation-service"},
          "submods": {"cpu0": {"ear.status": "affirming", "ear.trustworthiness-vector": {"hardware": 2},
                               "ear.appraisal-policy-id": "default",
                               "ear.veraison.annotated-evidence": {"runtime_data_claims": {
                                   "tee-pubkey": json.loads(key.export_public())}}}}}
print(jwt.encode(claims, open("verifier.key").read(), algorithm="ES256"))
EOF
seconds=$(date -u -d "$time" +%s)
text=$(printf %s "$nonce" | xxd -r -p | base64 -w 0 | tr '+/' '-_' | tr -d =)
if /usr/bin/python3 -c 'import jwt, jwcrypto, cbor2' 2>/dev/null; then
	/usr/bin/python3 bound.py "$seconds" "$(printf %.86s "$text")" >theirs
	theirs_nonce=$(printf %s "$(printf %.86s "$text")" | xxd -p | tr -d '\n')
	policy verifier.pub key.yaml "ear: {policies: [default], submods: [cpu0]}"
	third() { "$tobichi" verify theirs --policy key.yaml --nonce "$theirs_nonce" --at "$time" "$@"; }
	check "a result as Trustee writes it" exits 0 third
	check "bound to the key of its guest" has "$said" "bound to (TEE key)"
	check "which is the one that was seen" exits 0 third --with attester.pub
	check "another key is refused" exits 1 third --with stranger.pub
	check "by the binding" has "$said" "FAIL  POLICY-EAR-BINDING"
	# ---- programs of others ----
	check "PyJWT verifies our JWT" exits 0 /usr/bin/python3 "$here/tokens.py" jwt verifier.pub result.jwt.new
	check "and reads it" same "$said" "tag:ietf.org,2026:rats/ear#03 warning"
	check "jwcrypto verifies it" exits 0 /usr/bin/python3 "$here/tokens.py" jwcrypto verifier.pub result.jwt.veraison
	check "cbor2 and cryptography verify our CWT" exits 0 /usr/bin/python3 "$here/tokens.py" cwt verifier.pub result.cwt.new
	check "and read it" same "$said" "tag:ietf.org,2026:rats/ear#03 32"
	check "they refuse another key" exits 1 /usr/bin/python3 "$here/tokens.py" jwt stranger.pub result.jwt.new
	# ---- an attester's token ----
	/usr/bin/python3 "$here/tokens.py" eat attester.key "$seconds" >device.cwt
	{
		printf 'version: 1\ntiers: [eat]\nidentity: {mode: any-instance}\nroots:\n  - tier: eat\n    anchors: |\n'
		root attester.pub
		printf 'eat: {sw-names: [firmware]}\n'
	} >eat.yaml
	check "a token of a device" exits 0 "$tobichi" verify device.cwt --policy eat.yaml --nonce 6e6f6e63656e6f6e6365 \
		--at "$time"
	check "whose word it is" has "$said" "an attester's word about itself"
	# ---- and one in a wrapper in it ----
	part() { "$tobichi" verify "$1" --policy "$2" --nonce 6e6f6e63656e6f6e6365 --at "$time"; }
	/usr/bin/python3 "$here/tokens.py" eat attester.key "$seconds" device.cwt >outer.cwt
	/usr/bin/python3 "$here/tokens.py" eat attester.key "$seconds" document >other.cwt
	sed 's/^eat: {/eat: {submods: [part], /' eat.yaml >part.yaml
	check "a token in a wrapper is a proven part" exits 0 part outer.cwt part.yaml
	check "a document of another kind is none" exits 1 part other.cwt part.yaml
	check "it is shown as not proven" has "$said" "NOT PROVEN"
	check "and the policy's demand is not met" has "$said" "FAIL  POLICY-EAT-SUBMODS"
	sed 's/^eat: {/eat: {unproven-submods: [part], /' eat.yaml >lax.yaml
	check "unless nobody relies on it" exits 0 part other.cwt lax.yaml
	head -c 100 device.cwt >cut
	check "a cut one is none" exits 2 "$tobichi" verify cut --policy eat.yaml --at "$time"
else
	echo "skipped: python3-jwt, python3-jwcrypto or python3-cbor2 is missing"
fi

# ---- a vendor's evidence in a wrapper ----
{ printf '["application/vnd.tobichi.nitro-doc","'; base64 -w 0 document | tr '+/' '-_' | tr -d =; printf '",4]'; } >wrapped
check "a document in a wrapper" exits 0 "$tobichi" verify wrapped --policy policy.yaml --nonce "$nonce" --at "$time"
sed 's/nitro-doc/sgx-quote/' wrapped >liar
check "which says another kind" exits 2 "$tobichi" verify liar --policy policy.yaml --nonce "$nonce" --at "$time"

# ---- a wrapper that is signed ----
if /usr/bin/python3 -c 'import jwt' 2>/dev/null; then
	/usr/bin/python3 "$here/tokens.py" wrap stranger.key wrapped >signed
	awk '{print} /^roots:/ {print "  - tier: cmw\n    wrapper: required\n    anchors: |"
		while ((getline line < "stranger.pub") > 0) print "      " line}' policy.yaml >signed.yaml
	vendor() { "$tobichi" verify "$1" --policy signed.yaml --nonce "$nonce" --at "$time"; }
	check "evidence in a signed wrapper" exits 0 vendor signed
	check "its signer is known" has "$said" "ok    CMW-SIGNER"
	check "without the wrapper it is refused" exits 1 vendor document
	check "for that reason" has "$said" "FAIL  CMW-SIGNER"
	check "an unsigned one is none" exits 1 vendor wrapped
	check "for the same reason" has "$said" "FAIL  CMW-SIGNER"
fi

# ---- options ----
check "--ear needs a key" exits 2 "$tobichi" verify document --policy policy.yaml --ear x
check "and says which" has "$said" "--ear-key FILE"
check "--ear-key needs --ear" exits 2 "$tobichi" verify document --policy policy.yaml --ear-key verifier.key
check "no such form" exits 2 "$tobichi" verify document --policy policy.yaml --ear x --ear-key verifier.key --ear-format xml
check "no such profile" exits 2 "$tobichi" verify document --policy policy.yaml --ear x --ear-key verifier.key \
	--ear-profile older
check "no such lifetime" exits 2 "$tobichi" verify document --policy policy.yaml --ear x --ear-key verifier.key \
	--ear-lifetime 0
check "whom the policy trusts is shown" exits 0 "$tobichi" trust ear.yaml
check "with the verifier's key" has "$said" "looks at evidence in your place"
exit $failed
