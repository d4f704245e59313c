#!/bin/sh
# The key broker as people use it: an operator, two owners, their secrets and policies, and a
# guest that asks by the key-broker protocol with a client of its own.
# Usage: broker.sh BUILD_FOLDER SOURCE_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/broker_lib.sh"
guest=$1/tests/tools/snp_report client=$2/tests/interop/kbs_client.py
/usr/bin/python3 -c 'import cryptography' 2>/dev/null ||
	{ echo "skipped: python3-cryptography is not there"; exit 77; }
trap 'stop_broker KILL; clean_up' EXIT

# ---- a broker ----
port=$(free_port)
export TOBICHI_BROKER="https://127.0.0.1:$port"
check "a broker is made" exits 0 "$tobichi" broker init broker --host "127.0.0.1:$port" --listen "127.0.0.1:$port"
serve() {
	"$tobichi" broker serve --config broker/broker.yaml 2>>broker.log &
	serving=$!
}
operator() { "$tobichi" owner "$@" --key broker/operator.key --tls-ca broker/tls.pem; }
owner() { # NAME COMMAND ARGUMENT...
	who=$1 what=$2
	shift 2
	"$tobichi" "$what" "$@" --key "$who.key" --tls-ca broker/tls.pem
}
alice() { "$tobichi" secret "$@" --key alice.key --tls-ca broker/tls.pem; }
serve
check "it answers its operator" eventually operator whoami
check "as such" has "$(operator whoami)" "the operator"

# ---- owners ----
for name in alice bob spare; do "$tobichi" keygen -o "$name" >/dev/null; done
check "who is nobody is refused" exits 1 owner alice owner whoami
check "an owner is added" exits 0 operator add alice --owner-key alice.pub --repository red --repository green
check "and another" exits 0 operator add bob --owner-key bob.pub --repository blue
check "not twice" exits 2 operator add alice --owner-key spare.pub
check "nor with a key that is another's" exits 2 operator add carol --owner-key bob.pub
check "an owner is known" has "$(owner alice owner whoami)" "the owner alice"
check "an owner adds none" exits 1 owner alice owner add carol --owner-key spare.pub
check "the operator gives an owner no key" exits 1 operator add-key alice spare.pub
check "the owner does" exits 0 owner alice owner add-key alice spare.pub
check "which counts" has "$(owner spare owner whoami)" "the owner alice"
check "until it is taken away" exits 0 operator remove-key alice spare.pub
check "at once" exits 1 owner spare owner whoami
check "the list is JSON, when that is asked for" /usr/bin/python3 -c '
import json, sys
owners = json.loads(sys.argv[1])["owners"]
assert [o["name"] for o in owners] == ["alice", "bob"], owners
assert owners[0]["repositories"] == ["green", "red"], owners' "$(operator list --json)"

# ---- secrets ----
printf 'the first s3cret' >value
chmod 600 value
check "a secret is put" has "$(alice put red/key/db value)" "put red/key/db, version 1"
check "not twice" exits 2 alice put red/key/db value
check "and it is said what to do" has "$said" "rotate"
check "from standard input" has "$(echo more | alice put red/key/more)" "version 1"
check "never an empty one" exits 2 alice put red/key/none /dev/null
chmod 644 value
check "nor from a file that others read" exits 2 alice put red/key/none value
chmod 600 value
check "not into another's repository" exits 1 owner bob secret put red/key/his value
check "nor by the operator" exits 1 owner broker/operator secret put red/key/his value
for name in ../etc/passwd red/key red/key/a/b .red/key/db 'red/key/a b' "red/key/a'--" red/key/%2e%2e; do
	check "'$name' is no name" exits 2 alice put "$name" value
done
for wrong in "" frob "put --frob" put "put a b c" "list --grace 3" "put a --expires yesterday" "rotate a --releases 0"; do
	# shellcheck disable=SC2086
	check "secret '$wrong' is no command" exits 2 "$tobichi" secret $wrong
	check "which is said" has "$said" "tobichi help secret"
done
for wrong in "" frob "list --owner-key a" "whoami a" "remove --with-secrets"; do
	# shellcheck disable=SC2086
	check "owner '$wrong' is no command" exits 2 "$tobichi" owner $wrong
	check "which is said" has "$said" "tobichi help owner"
done
check "its owner sees it" has "$(alice list)" "red/key/db"
check "but not its content" hasnt "$(alice list --json)$(alice list red/key/db --json)" "s3cret"
check "another does not see it" hasnt "$(owner bob secret list)" "red/key/db"
check "nor the operator" hasnt "$(owner broker/operator secret list)" "red/key/db"

# ---- releases ----
put_policy() { alice put-policy red guest/policy.yaml >/dev/null; }
check "a guest that the policy means gets it" ask red/key/db
check "byte by byte" cmp got value
put_policy() { :; }
check "another platform's does not" exits 1 ask red/key/db
refused=$(cat told)
check "what is not there is answered alike" exits 1 ask red/key/nothing
check "word by word" same "$(sed 's/nothing/db/' told)" "$refused"
put_policy() {
	alice put-policy red guest/policy.yaml >/dev/null
	sed 's/4d4d4d4d/4d4d4d4e/' guest/policy.yaml >other.yaml
	alice put-policy red/key/db other.yaml >/dev/null
}
check "another image does not" exits 1 ask red/key/db
check "nor is it told why" same "$(cat told)" "$refused"
check "the policy that counts is shown" has "$(alice show-policy red/key/db 2>&1)" "policy of red/key/db"
check "and that of the rest" has "$(alice show-policy red/key/more 2>&1)" "policy of red"
put_policy() {
	alice put-policy red guest/policy.yaml >/dev/null
	alice delete-policy red/key/db >/dev/null 2>&1
}
printf 'the second s3cret' >second
chmod 600 second
check "it is rotated" has "$(alice rotate red/key/db second)" "version 2"
check "and the new one is given" ask red/key/db
check "which it is" cmp got second
check "an old version is deleted" exits 2 alice delete red/key/db --version 2
check "one that counts once is put" has "$(alice put red/key/once value --releases 1)" "version 1"
check "it is given" ask red/key/once
check "once" exits 1 ask red/key/once
check "one that expires is put" has "$(alice put red/key/soon value --expires +3600)" "version 1"
check "an end in the past is refused" exits 2 alice put red/key/past value --expires 2020-01-01T00:00:00Z
check "a policy that is none is refused" exits 2 alice put-policy red broker/broker.yaml
check "and the old one stays" ask red/key/db

# ---- what a build writes ----
"$tobichi" keygen -o publisher >/dev/null
"$tobichi" build --tier soft --name web --key publisher.key -o web.tobi -- busybox true >/dev/null 2>&1
check "the policy of a build is taken as it is" exits 0 alice put-policy green/web web.policy.yaml
{
	sed '/^images:/d;/^signers:/d;/^# Exactly this image/d' web.policy.yaml
	printf 'reference-values:\n  files: [web.corim]\n  unsigned: allowed\n'
} >web.values.yaml
check "and reference values with it" exits 0 alice put-policy green web.values.yaml
check "which go along" has "$(alice show-policy green --json)" '"web.corim"'
mkdir away
cp web.values.yaml away
check "one whose file is not there is refused" exits 2 alice put-policy green away/web.values.yaml
head -c 100 web.corim >away/web.corim
check "and one whose file is cut" exits 2 alice put-policy green away/web.values.yaml
check "the policy is as it was" has "$(alice show-policy green --json)" '"web.corim"'

# ---- what is stored ----
stop_broker KILL
check "no secret is in the database" sh -c '! grep -aq "s3cret" broker/broker.db*'
serve
check "after kill -9 it answers" eventually operator whoami
check "and gives what it gave" ask red/key/db
check "and no more than it may" exits 1 ask red/key/once

# ---- the store key ----
check "a store key is rotated by the operator" has \
	"$("$tobichi" broker rotate-keys --key broker/operator.key --tls-ca broker/tls.pem)" "moved      5"
check "and by no owner" exits 1 "$tobichi" broker rotate-keys --key alice.key --tls-ca broker/tls.pem
check "what was moved is given" ask red/key/db
check "byte by byte, again" cmp got second

# ---- requests that nobody signed ----
if command -v curl >/dev/null; then
	for name in alice spare; do
		openssl req -x509 -new -key $name.key -subj /CN=operator -days 1 -out $name.pem 2>/dev/null
	done
	shown() { curl -s --cacert broker/tls.pem --cert "$1.pem" --key "$1.key" "$TOBICHI_BROKER/v1/whoami"; }
	check "a certificate of an owner's key counts, whatever it says" has "$(shown alice)" '"name":"alice","operator":false'
	check "and one of another key does not" has "$(shown spare)" "nobody here has this certificate's key"
	plain() { curl -s -o /dev/null -w '%{http_code}' --cacert broker/tls.pem "$@"; }
	for path in /v1/secrets /v1/secrets/red/key/db /v1/owners /v1/policies/red /v1/keys/rotate; do
		check "$path is not for anybody" same "$(plain "$TOBICHI_BROKER$path")" \
			"$(case $path in */rotate) echo 405 ;; *) echo 401 ;; esac)"
	done
	check "a store key is rotated by the operator alone" \
		same "$(plain -X POST "$TOBICHI_BROKER/v1/keys/rotate")" 401
fi

# ---- the end ----
check "a secret is deleted" exits 0 alice delete red/key/db
check "and is not given" exits 1 ask red/key/db
check "an owner with secrets stays" exits 2 operator remove alice
check "unless they go, too" exits 0 operator remove alice --with-secrets
check "it is nobody then" exits 1 owner alice owner whoami
check "its name is no other's" exits 2 operator add alice --owner-key spare.pub
check "for the log has its entries" has "$said" "take another"
check "one without goes" exits 0 operator remove bob
stop_broker TERM
check "a broker that is gone is an error" exits 2 operator whoami
check "and so is no broker" exits 2 env -u TOBICHI_BROKER "$tobichi" owner whoami --key alice.key
check "or one without TLS elsewhere" exits 2 "$tobichi" owner whoami --key alice.key --broker http://192.0.2.1
[ $failed = 0 ] || cat broker.log
exit $failed
