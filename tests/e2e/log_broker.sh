#!/bin/sh
# The log of a real broker: what owner, operator and everybody see of it, a kill in the middle,
# and what followers say to a database that was put back or cut.
# Usage: log_broker.sh BUILD_FOLDER SOURCE_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
broker=$1/daemons/broker/tobichi-broker
guest=$1/tests/tools/snp_report client=$2/tests/interop/kbs_client.py
/usr/bin/python3 -c 'import cryptography' 2>/dev/null ||
	{ echo "skipped: python3-cryptography is not there"; exit 77; }
port=$(free_port)
url=http://127.0.0.1:$port
export TOBICHI_BROKER="$url"
pid=
start() {
	"$broker" --config b/broker.yaml >>broker.log 2>&1 &
	pid=$!
	eventually /usr/bin/python3 -c "import urllib.request as u; u.urlopen('$url/v1/log/head')" ||
		{ cat broker.log; echo "FAILED: the broker does not start"; exit 1; }
}
end() { # SIGNAL
	kill "-$1" "$pid"
	wait "$pid" 2>/dev/null
	pid=
}
trap '[ -z "$pid" ] || kill $pid 2>/dev/null; clean_up' EXIT
"$tobichi" broker init b --plain --listen "127.0.0.1:$port" --host "127.0.0.1:$port" --name https://kbs.example >init.log 2>&1 ||
	{ cat init.log; echo "FAILED: a broker"; exit 1; }
openssl pkey -in b/token.key -pubout -out log.pub
for name in alice bob; do "$tobichi" keygen -o $name >/dev/null; done
start
log() { "$tobichi" log "$@"; }
follow() { log follow --once "$@"; }
put() { # OWNER NAME
	printf 'a word that only %s knows' "$1" >s
	chmod 600 s
	"$tobichi" secret put "$2" s --key "$1.key"
}

# ---- what is written down, and who reads it ----
check "a log that is empty" exits 0 follow --state state --log-key log.pub
for name in alice bob; do
	check "an owner: $name" exits 0 "$tobichi" owner add $name --owner-key $name.pub --repository $name \
		--key b/operator.key
done
check "a secret of alice's" exits 0 put alice alice/key/1
check "a secret of bob's" exits 0 put bob bob/key/1
check "the log has grown" exits 0 follow --state state --log-key log.pub
check "by all four" has "$said" "4 entries"
check "alice reads hers" exits 0 log prove 2 --key alice.key --log-key log.pub -o alice.proof
check "her secret's name" has "$said" "resource   alice/key/1"
check "what she did" has "$said" "action     "
check "bob's is a hash to her" exits 0 log prove 3 --key alice.key --log-key log.pub -o bob.proof
check "alone" has "$said" "its hash alone is known"
check "hers to the operator, too" exits 0 log prove 2 --key b/operator.key --log-key log.pub -o o.proof
check "alone, too" has "$said" "its hash alone is known"
check "a stranger's key is refused" exits 1 sh -c '"$1" keygen -o mallory >/dev/null
	exec "$1" log prove 2 --key mallory.key --log-key log.pub -o x.proof' - "$tobichi"
check "proofs verify" exits 0 log verify alice.proof bob.proof o.proof --log-key log.pub --head state
check "every entry of alice's" exits 0 follow --state all --log-key log.pub --entries --key alice.key
check "is shown" has "$said" "resource   alice/key/1"
check "and none of bob's" hasnt "$said" "bob/key/1"

# ---- evidence ----
nothing=$(printf '00%.0s' $(seq 48))
check "evidence that there is not" exits 2 log evidence "$nothing" --key alice.key
check "is said" has "$said" "there is no such evidence"
check "a digest is needed" exits 2 log evidence 00 --key alice.key
check "how long it is kept" exits 0 log retention --key alice.key
check "a month" has "$said" "retention  2592000 seconds"
check "or as she says" exits 0 log retention 60 --key alice.key --json
check "for hers" has "$(log retention --key alice.key)" "retention  60 seconds"
check "alone" has "$(log retention --key bob.key)" "2592000"
check "not for ever" exits 2 log retention 999999999999 --key alice.key
check "nor for a stranger" exits 1 log retention 60 --key mallory.key

# ---- a refusal, with its evidence ----
ask() { # FOLDER: a guest of its own, which nobody's policy knows
	mkdir "$1"
	/usr/bin/python3 "$client" --guest "$guest" --folder "$1" "$url" alice/key/1 2>told
}
decided() { # the entries that alice sees, as JSON
	rm -f all
	follow --state all --entries --json --key alice.key | grep '"event":"entry"'
}
check "without a policy nothing is released" exits 1 ask one
check "which is written down" has "$(decided | tail -1)" '"accepted":false'
"$tobichi" secret put-policy alice/key/1 one/policy.yaml --key alice.key >/dev/null
check "another guest than the policy's is refused" exits 1 ask two
decided >decisions
check "with every check" has "$(tail -1 decisions)" '"passed":["'
check "of which one failed" has "$(tail -1 decisions)" '"failed":["'
digest=$(sed -n 's/.*"evidence":"\([0-9a-f]*\)".*/\1/p' decisions | tail -1)
check "its evidence is alice's" exits 0 log evidence "$digest" --key alice.key -o evidence
check "and is what was decided on" same "$(sha384sum <evidence | cut -d' ' -f1)" "$digest"
check "not bob's" exits 2 log evidence "$digest" --key bob.key -o x
check "nor the operator's" exits 2 log evidence "$digest" --key b/operator.key -o x
check "no secret is in what is written down" hasnt "$(cat decisions)" "a word that only"
check "nor in the database" hasnt "$(cat b/broker.db* | tr -d '\0')" "a word that only"
log retention 0 --key alice.key >/dev/null
check "what shall not be kept is gone" exits 2 log evidence "$digest" --key alice.key -o x

# ---- killed while it writes ----
(n=2; while put alice "alice/key/$n" >/dev/null 2>&1; do n=$((n + 1)); done) &
writer=$!
eventually sh -c '[ "$("$1" secret list --key alice.key --json | grep -c "alice/key")" -gt 3 ]' - "$tobichi"
end KILL
wait $writer
start
check "after a kill the log goes on" exits 0 follow --state state
check "with every entry" exits 0 follow --state all --entries
check "and the next" exits 0 put alice alice/key/last
check "which is seen" exits 0 follow --state state

# ---- put back, and forked ----
end TERM
mkdir old
cp b/broker.db* old/
start
check "two secrets more" exits 0 put alice alice/key/lost
check "of which one is lost" exits 0 put bob bob/key/lost
check "were seen" exits 0 follow --state state
cp state seen
end TERM
rm -f b/broker.db*
cp old/broker.db* b/
start
check "an older database is an alarm" exits 1 follow --state state
check "which says what" has "$said" "ENTRIES ERASED"
for n in 1 2 3; do put alice "alice/key/again$n" >/dev/null; done
check "when it has gone on it is a fork" exits 1 follow --state state
check "which says so" has "$said" "FORK"
check "both heads are kept" cmp -s state seen
check "the other, too" test -s state.alarm
check "nothing leads from the one to the other" exits 1 log prove --since seen --log-key log.pub -o x.proof
check "a new follower sees what there is" exits 0 follow --state fresh --log-key log.pub

# ---- an entry is taken out of the database ----
/usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect("b/broker.db")
db.execute("DELETE FROM log_leaves WHERE idx = 1")
db.commit()'
check "its heads are still good" exits 0 follow --state fresh
check "who reads all finds it out" exits 1 follow --state fresh --entries
check "and which it was" has "$said" "ENTRY ERASED: entry 1 is not there"

# ---- another key ----
end TERM
openssl ecparam -genkey -name prime256v1 -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt >other.key
cp b/token.key token.kept
cat other.key >b/token.key
check "with another key the broker does not start" exits 2 "$broker" --config b/broker.yaml
check "and says why" has "$said" "each log has one key"
exit $failed
