#!/bin/sh
# Reference values: what a build writes is what a connection is compared with, and a document
# of another image, of nobody, of somebody else or of another time refuses.
# Usage: corim.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
"$tobichi" keygen -o publisher >/dev/null
"$tobichi" keygen -o stranger >/dev/null
signer=$("$tobichi" corim sign /dev/null --key publisher.key -o x 2>&1) # an error, in one line
check "what is no document is not signed" has "$signer" "tobichi: error:"

# ---- what a build writes ----
build() { # NAME WORD
	"$tobichi" build --tier soft --name "$1" --key publisher.key --port 9000 --env "WHICH=$2" \
		-o "$1.tobi" -- busybox httpd -f -p 9000
}
check "a build writes reference values" has "$(build web one)" "values    web.corim"
cp web.corim first.corim
build web one >/dev/null
check "which say the same of the same image" \
	same "$("$tobichi" corim show web.corim)" "$("$tobichi" corim show first.corim)"
build db two >/dev/null
check "they show the image" has "$("$tobichi" corim show web.corim)" "mkey: image"
check "and who has signed them" has "$("$tobichi" corim show web.corim)" "signer id: "
check "as JSON, too" has "$("$tobichi" corim show web.corim --json)" '"reference values"'
check "its signer is accepted" exits 0 "$tobichi" corim verify web.corim --signer publisher.pub
id=$(echo "$said" | sed -n 's/^signer id  //p')
check "by the id, too" exits 0 "$tobichi" corim verify web.corim --signer "$id"
check "another is not" exits 1 "$tobichi" corim verify web.corim --signer stranger.pub
check "and it is said" has "$said" "REFUSE: its signer is none of those that were named"
check "without a word on signers there is no verdict" exits 2 "$tobichi" corim verify web.corim
check "without a key nothing is signed" exits 2 "$tobichi" corim sign web.corim

# ---- documents that do not count ----
"$tobichi" build --tier soft --name web --port 9000 --env WHICH=one -o plain.tobi -- busybox httpd -f -p 9000 >/dev/null
"$tobichi" corim sign web.corim --key stranger.key -o stranger.corim >/dev/null
"$tobichi" corim sign web.corim --key publisher.key -o past.corim --until 2020-01-01T00:00:00Z >/dev/null
cp plain.corim same.corim
"$tobichi" build --tier soft --name web --port 9000 --env WHICH=one -o plain.tobi -- busybox httpd -f -p 9000 >/dev/null
check "the same image gives the same bytes" cmp plain.corim same.corim
check "an old signature is refused" exits 1 "$tobichi" corim verify past.corim --signer "$id"
check "but was good" exits 0 "$tobichi" corim verify past.corim --signer "$id" --at 2019-01-01T00:00:00Z
check "an unsigned document is refused" exits 1 "$tobichi" corim verify plain.corim --signer "$id"
check "unless it is allowed" exits 0 "$tobichi" corim verify plain.corim --unsigned
head -c 200 web.corim >cut.corim
check "a cut document is an error" exits 2 "$tobichi" corim show cut.corim

# ---- a connection ----
# POLICY FILES MORE...: the build's policy, with documents in place of the image
policy() {
	name=$1 files=$2
	shift 2
	{
		sed '/^images:/d;/^signers:/d;/^# Exactly this image/d' web.policy.yaml
		printf 'reference-values:\n  files: [%s]\n' "$files"
		printf '%s\n' "$@"
	} >"$name.yaml"
}
mkdir below
cp web.corim below/
policy good web.corim "  signers: [$id]" "  endorsed: [web]"
sed 's/files: .*/files: [web.corim]/' good.yaml >below/good.yaml
policy several "db.corim, web.corim" "  signers: [$id]"
policy other db.corim "  signers: [$id]"
policy stranger stranger.corim "  signers: [$id]"
policy past past.corim "  signers: [$id]"
policy plain plain.corim "  signers: [$id]"
policy allowed plain.corim "  unsigned: allowed"
policy missing none.corim "  signers: [$id]"
port=$(free_port)
enclave=$("$tobichi" run --detach --publish "$port:9000" web.tobi 2>run.log) || cat run.log
connect() { "$tobichi" connect "127.0.0.1:$port" --policy "$1.yaml" --verbose </dev/null; }
eventually connect good
check "the documented image is accepted" exits 0 connect good
check "by its reference value" has "$said" "ok    POLICY-REFERENCE-MATCH"
check "files are found beside the policy" exits 0 connect below/good
check "one of several documents is enough" exits 0 connect several
check "another image's refuses" exits 1 connect other
check "and says which measurement differs" has "$said" 'expected  mkey "image": digest'
check "a stranger's refuses" exits 1 connect stranger
check "by its signer" has "$said" "FAIL  POLICY-REFERENCE-SIGNER"
check "an expired one refuses" exits 1 connect past
check "by its dates" has "$said" "FAIL  POLICY-REFERENCE-VALIDITY"
check "an unsigned one refuses" exits 1 connect plain
check "by the signature" has "$said" "FAIL  POLICY-REFERENCE-SIGNATURE"
check "unless the policy allows it" exits 0 connect allowed
check "a file that is not there is an error" exits 2 connect missing
check "in one line" same "$(echo "$said" | wc -l)" 1

# ---- evidence as a file, and whom one trusts ----
"$tobichi" attest "$enclave" --nonce 00112233445566778899aabbccddeeff -o evidence >/dev/null
verify() { "$tobichi" verify evidence --policy "$1.yaml" --nonce 00112233445566778899aabbccddeeff; }
check "a file is compared, too" exits 0 verify good
check "what is endorsed is shown" has "$said" "endorsed"
check "and refused" exits 1 verify other
check "who signs them is among those who are trusted" has "$("$tobichi" trust good.yaml)" \
	"signer of reference values"
check "or who can write the file" has "$("$tobichi" trust allowed.yaml)" \
	"whoever can write the reference values"

# ---- where no file is ----
check "a launch's policy has none beside it" exits 2 "$tobichi" run --detach \
	--client-policy good.yaml web.tobi
check "and says what to do" has "$said" "reference-values.documents"
{
	sed '/^reference-values:/,$d' good.yaml
	printf 'reference-values:\n  signers: [%s]\n  documents:\n    - |\n' "$id"
	base64 -w 76 web.corim | sed 's/^/      /'
} >inline.yaml
check "a document in the policy itself counts" exits 0 connect inline
"$tobichi" stop --grace 0 "$enclave" >/dev/null
exit $failed
