#!/bin/sh
# Each command once in its good form, and once for each way in which a user gets it wrong.
# Usage: commands.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
mkdir tmp
export TMPDIR="$work/tmp" # what is left in another one may be another's

# help, version, and a command that is none
check "help lists the commands" exits 0 "$tobichi" help
for command in attest build connect inspect keygen logs platform ps run send sign stop verify version; do
	check "help lists $command" has "$said" "$command"
done
check "no command is an error" exits 2 "$tobichi"
check "an unknown command is an error" exits 2 "$tobichi" nonsense
for command in attest build connect inspect keygen logs platform ps run send sign stop verify; do
	check "help $command" exits 0 "$tobichi" help $command
	check "an unknown option of $command" exits 2 "$tobichi" $command --nonsense
	check "$command says where its usage is" has "$said" "tobichi help $command"
done
check "version" exits 0 "$tobichi" version

# platform
check "platform status before init" exits 2 "$tobichi" platform status
check "it says what to do" has "$said" "platform init"
check "platform init" exits 0 "$tobichi" platform init
check "platform init twice" exits 2 "$tobichi" platform init
check "a root of trust of no known kind" exits 2 "$tobichi" platform init --root sgx
check "it says which there are" has "$said" "file, tpm or pkcs11"
for option in "--device /dev/tpmrm0" "--token plat" "--pin-file /dev/null" "--pcrs 11"; do
	# shellcheck disable=SC2086 # words are meant
	check "$option is not for keys in files" exits 2 env TOBICHI_STATE_FOLDER="$work/none" "$tobichi" platform init $option
	check "it says what may be meant" has "$said" "--root tpm"
done
check "no keys are made" test ! -e none
check "a PIN file that is not there" exits 2 "$tobichi" platform init --root pkcs11 --pin-file none
check "it is named" has "$said" "cannot open none"
check "an argument of two lines" exits 2 "$tobichi" build -o lines.tobi -- /bin/busybox sh -c "a
b"
check "it says why" has "$said" "control characters"
check "platform status" exits 0 "$tobichi" platform status
check "it names the tier's limit" has "$said" "root and the kernel are not"
check "platform status --json" exits 0 "$tobichi" platform status --json
check "it is JSON" /usr/bin/python3 -c 'import json,sys; assert json.loads(sys.argv[1])["root-of-trust"] == "file"' "$said"
check "keys are the owner's alone" same "$(find state -type f -name '*key*' -perm /077)" ""
check "platform anchor" exits 0 "$tobichi" platform anchor -o ca.pem
check "the anchor is a CA" has "$(openssl x509 -in ca.pem -noout -text)" "CA:TRUE"
check "platform csr" exits 0 "$tobichi" platform csr -o platform.csr
check "the request verifies" openssl req -in platform.csr -noout -verify
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout owner.key -out owner.pem \
	-addext keyUsage=critical,keyCertSign -subj "/CN=An owner" -days 30 2>/dev/null
issue() { openssl x509 -req -in platform.csr -CA owner.pem -CAkey owner.key -days 20 -out leaf.pem "$@" 2>/dev/null; }
printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n' >extensions
issue -extfile extensions
cat leaf.pem owner.pem >web.pem
check "a web server's certificate is none of a platform" exits 2 "$tobichi" platform certify web.pem
check "and what it lacks is named" has "$said" "extended key usage"
issue -copy_extensions copy
cat leaf.pem owner.pem >chain.pem
check "an owner's certificate for another key is refused" exits 2 "$tobichi" platform certify owner.pem
check "an owner CA certifies the platform" exits 0 "$tobichi" platform certify chain.pem
check "status shows the owner" exits 0 "$tobichi" platform status
check "by name" has "$said" "An owner"

# keygen, sign, inspect
check "keygen" exits 0 "$tobichi" keygen -o mine
check "the private key is its owner's alone" same "$(stat -c %a mine.key)" 600
check "keygen never overwrites" exits 2 "$tobichi" keygen -o mine
check "a key of an unknown type" exits 2 "$tobichi" keygen -o other --type rsa
"$tobichi" keygen -o edwards --type ed25519 >/dev/null
check "build" exits 0 "$tobichi" build --tier soft -o loop.tobi --product 7 --svn 3 -- \
	/bin/busybox sh -c 'echo started; trap "exit 9" TERM; while :; do sleep 0.05; done'
id=$(echo "$said" | sed -n 's/^image id  *//p')
check "sign" exits 0 "$tobichi" sign loop.tobi --key mine.key
signer=$(echo "$said" | sed -n 's/^signer id  *//p')
check "sign by a second key" exits 0 "$tobichi" sign loop.tobi --key edwards.key
check "sign needs a key" exits 2 "$tobichi" sign loop.tobi
chmod 644 edwards.key
check "sign with a key that others can read" exits 2 "$tobichi" sign loop.tobi --key edwards.key
check "inspect" exits 0 "$tobichi" inspect loop.tobi
check "signing keeps the image id" has "$said" "$id"
check "inspect shows the signer" has "$said" "$signer"
check "inspect --json" exits 0 "$tobichi" inspect loop.tobi --json
check "inspect's JSON" /usr/bin/python3 -c '
import json, sys
d = json.loads(sys.argv[1])
assert d["image-id"] == sys.argv[2] and sys.argv[3] in d["signers"] and len(d["signers"]) == 2
assert d["product"] == 7 and d["svn"] == 3 and not d["debug"]' "$said" "$id" "$signer"
cp loop.tobi broken.tobi
printf x | dd of=broken.tobi bs=1 seek=20000 conv=notrunc 2>/dev/null
check "inspect of a changed image" exits 2 "$tobichi" inspect broken.tobi
check "nothing of it is shown" hasnt "$said" "image id  "
check "inspect of nothing" exits 2 "$tobichi" inspect nowhere.tobi

# ps, logs, attest, stop
check "ps without a service" exits 0 "$tobichi" ps
check "run --detach" exits 0 "$tobichi" run --detach --name looper loop.tobi
enclave=$(echo "$said" | tail -1)
check "it prints an id" same "${#enclave}" 8
check "ps" exits 0 "$tobichi" ps
check "ps lists it" has "$said" "$enclave  looper"
check "ps --json" exits 0 "$tobichi" ps --json
check "ps's JSON" /usr/bin/python3 -c '
import json, sys
(d,) = json.loads(sys.argv[1])
assert d["id"] == sys.argv[2] and d["image-id"] == sys.argv[3] and d["state"] == "running" and d["memory"] > 0' "$said" "$enclave" "$id"
started() { [ "$("$tobichi" logs "$enclave")" = started ]; }
check "logs" eventually started
check "logs by name" exits 0 "$tobichi" logs looper
check "logs of nothing" exits 2 "$tobichi" logs 00000000
check "attest" exits 0 "$tobichi" attest looper --nonce 000102030405060708090a0b0c0d0e0f -o e
check "the evidence is accepted" exits 0 "$tobichi" verify e --policy loop.policy.yaml --nonce 000102030405060708090a0b0c0d0e0f
check "with another nonce it is not" exits 1 "$tobichi" verify e --policy loop.policy.yaml --nonce 000102030405060708090a0b0c0d0e00
check "nor tomorrow" exits 1 "$tobichi" verify e --policy loop.policy.yaml --nonce 000102030405060708090a0b0c0d0e0f --at 2099-01-01T00:00:00Z
check "verify --json" exits 0 "$tobichi" verify e --policy loop.policy.yaml --nonce 000102030405060708090a0b0c0d0e0f --json
check "it is an EAR" /usr/bin/python3 -c 'import json,sys; assert "submods" in json.loads(sys.argv[1])' "$said"
check "verify --html" exits 0 "$tobichi" verify e --policy loop.policy.yaml --nonce 000102030405060708090a0b0c0d0e0f --html -o e.html
check "without a nonce it may be old: refused" exits 1 "$tobichi" verify e --policy loop.policy.yaml
check "the page needs nothing from elsewhere" same "$(grep -c -E 'src=|href="http' e.html)" 0
check "trust" exits 0 "$tobichi" trust loop.policy.yaml
check "it names the host's CA as a root" has "$said" "  root
"
check "and what would make the set smaller" has "$said" "What would make the set smaller"
check "trust --json" exits 0 "$tobichi" trust loop.policy.yaml --json
check "the tree, as JSON" /usr/bin/python3 -c '
import json, sys
d = json.loads(sys.argv[1])
(tier,) = [line for line in d["trusts"] if line["kind"] == "tier"]
assert tier["name"] == "tier soft" and tier["inside"][0]["inside"][0]["kind"] == "root" and d["each-alone"]' "$said"
check "trust --html" exits 0 "$tobichi" trust loop.policy.yaml --html -o t.html
check "that page needs nothing from elsewhere" same "$(grep -c -E 'src=|href=|://' t.html)" 0
check "trust in no policy" exits 2 "$tobichi" trust e
check "trust in two forms" exits 2 "$tobichi" trust loop.policy.yaml --json --html
check "trust in nothing" exits 2 "$tobichi" trust
check "a short nonce" exits 2 "$tobichi" attest looper --nonce 00
check "attest of nothing" exits 2 "$tobichi" attest 00000000
"$tobichi" logs -f looper >followed 2>&1 &
follower=$!
eventually grep -q started followed
check "stop" exits 0 "$tobichi" stop looper
check "logs --follow ends with the enclave" wait $follower
check "and has what was printed" same "$(cat followed)" started
check "stop of nothing" exits 2 "$tobichi" stop looper
check "a wrong grace" exits 2 "$tobichi" stop --grace never looper
check "ps is empty again" exits 0 "$tobichi" ps
check "nothing runs" hasnt "$said" looper

# the log's ceiling: a program cannot fill the host
"$tobichi" build --tier soft -o loud.tobi -- /bin/busybox sh -c \
	'i=0; while [ $i -lt 40000 ]; do echo "line $i aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; i=$((i+1)); done; echo last; sleep 60' >/dev/null
enclave=$("$tobichi" run -d loud.tobi)
ended() { "$tobichi" logs "$enclave" | tail -1 | grep -q '^last$'; }
check "a loud program's last line" eventually ended
kept=$("$tobichi" logs "$enclave" | wc -c)
check "about the newest MiB is kept" test "$kept" -gt 1000000 -a "$kept" -lt 1060000
check "stop by id" exits 0 "$tobichi" stop --grace 0 "$enclave"

# run -- PROGRAM, --owner
check "run -- PROGRAM" exits 0 "$tobichi" run --policy-out once.yaml -- /bin/busybox echo packed
check "its output" has "$said" packed
check "its policy" grep -q '^images: ' once.yaml
check "run -- with an addition" exits 0 "$tobichi" run --env A=1 --policy-out added.yaml -- /bin/busybox env
check "its policy names that launch" test "$(grep ^config-id: once.yaml)" != "$(grep ^config-id: added.yaml)"
check "nothing is left of it" same "$(ls tmp)" ""
check "run -- of a missing program" exits 2 "$tobichi" run -- /no/such/program
check "options of packing with an image" exits 2 "$tobichi" run --add /etc/hostname loop.tobi
check "run --owner with a file that is no key" exits 2 "$tobichi" run --owner loop.policy.yaml loop.tobi
enclave=$("$tobichi" run -d --owner mine.pub loop.tobi)
"$tobichi" attest "$enclave" --nonce 0001020304050607 -o owned >/dev/null
check "the ready policy refuses what it does not know of the launch" exits 1 "$tobichi" verify owned --policy loop.policy.yaml --nonce 0001020304050607
check "for that reason" has "$said" "FAIL  POLICY-CONFIG"
sed '/^identity:/,/^$/d; /^config-id:/d' loop.policy.yaml >owner.yaml
printf 'identity:\n  mode: owner\n  owner: %s\n' "$signer" >>owner.yaml
check "the owner is in the evidence" exits 0 "$tobichi" verify owned --policy owner.yaml --nonce 0001020304050607
check "another owner is refused" exits 1 "$tobichi" verify e --policy owner.yaml --nonce 000102030405060708090a0b0c0d0e0f
check "for that reason" has "$said" "FAIL  POLICY-IDENTITY"
"$tobichi" stop --grace 0 "$enclave" >/dev/null
exit $failed
