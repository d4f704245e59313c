#!/bin/sh
# A broker's log as its followers see it, played by log_server.py, which was written from the
# protocol's document: what is proven, and every lie that is found out.
# Usage: log.sh BUILD_FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
openssl version >/dev/null 2>&1 || { echo "skipped: openssl is not installed"; exit 77; }
for name in log stranger; do
	openssl ecparam -genkey -name prime256v1 -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out $name.pem
	openssl pkey -in $name.pem -pubout -out $name.pub
done
id=$(openssl pkey -in log.pem -pubout -outform DER | sha384sum | cut -d' ' -f1)
port=$(free_port)
/usr/bin/python3 "$here/log_server.py" "$port" log.pem stranger.pem &
server=$!
trap 'kill $server 2>/dev/null; clean_up' EXIT
url=http://127.0.0.1:$port
play() { /usr/bin/python3 -c 'import sys, urllib.request as u
u.urlopen(u.Request(sys.argv[1], method="POST")).read()' "$url/play/$1"; }
log() { "$tobichi" log "$@"; }
prove() { log prove "$@" --broker "$url"; }
follow() { log follow --broker "$url" --once "$@"; }
eventually play append/5

# ---- an entry, in a file ----
check "an entry is proven" exits 0 prove 2 --log-key log.pub -o two.proof
check "and shown" has "$said" "resource   default/key/2"
check "with its checks" has "$said" "failed     POLICY-TIER"
check "of another owner there is the hash" exits 0 prove 3 --log-key "$id" -o three.proof
check "alone" has "$said" "its hash alone is known"
check "the file has a name of its own" exits 0 prove 4
check "which says the entry" test -s entry-4.proof
check "an entry that there is not" exits 2 prove 5
check "is said" has "$said" "the log has 5 entries"
check "another key is refused" exits 1 prove 2 --log-key stranger.pub -o x.proof
check "and no file written" test ! -e x.proof
check "no number is no entry" exits 2 prove two
kill -STOP $server # the files are enough
check "a file verifies without the broker" exits 0 log verify two.proof three.proof entry-4.proof --log-key log.pub
check "by the key's id, too" exits 0 log verify two.proof --log-key "$id"
check "as JSON, too" exits 0 log verify two.proof --log-key "$id" --json
check "with the decision" has "$said" '"resource": "default/key/2"'
check "under another key it does not" exits 1 log verify two.proof --log-key stranger.pub
check "which is said" has "$said" "REFUSE: head: key: it is signed by another key"
check "without a key nothing is verified" exits 2 log verify two.proof
check "a cut file is an error" exits 2 sh -c 'head -c 200 two.proof >cut.proof
	exec "$1" log verify cut.proof --log-key log.pub' - "$tobichi"
check "a changed entry is refused" exits 1 sh -c 'sed "s/default/defaulu/" two.proof >changed.proof
	exec "$1" log verify changed.proof --log-key log.pub' - "$tobichi"
check "because of the proof" has "$said" "the leaf is not in the log of that root"
kill -CONT $server

# ---- evidence ----
"$tobichi" keygen -o alice >/dev/null
digest=$(printf 'some evidence' | sha384sum | cut -d' ' -f1)
evidence() { log evidence "$@" --broker "$url" --key alice.key; }
check "evidence is fetched" exits 0 evidence "$digest" -o e
check "as it is" same "$(cat e)" "some evidence"
check "under a name of its own" exits 0 evidence "$digest" --json
check "which is said" has "$said" "$(echo "$digest" | cut -c1-16).evidence"
check "another than the digest is of is refused" exits 1 evidence "$(echo "$digest" | tr 0-9 1-90)" -o other
check "and not kept" test ! -e other
check "without a key there is none" exits 2 log evidence "$digest" --broker "$url"

# ---- the same log, later ----
check "the first look keeps the head" exits 0 follow --state state --log-key log.pub
check "and shows it" has "$said" "head       5 entries"
check "a head file verifies a proof" exits 0 log verify two.proof --log-key log.pub --head state
cp state five.head
play append/4
check "a second look sees it grow" exits 0 follow --state state
check "by so many" has "$said" "9 entries, 4 more"
check "a third the same" exits 0 follow --state state --json
check "as JSON, too" has "$said" '"event":"same"'
check "a proof is of its own head" exits 1 log verify two.proof --log-key log.pub --head state
check "and says what leads to another" has "$said" "tobichi log prove --since"
check "which can be had" exits 0 prove --since five.head --log-key log.pub
check "and verified" exits 0 log verify since-5.proof --log-key log.pub
check "so that the old proof is good" exits 0 log verify two.proof since-5.proof --log-key log.pub --head state
check "which the new head alone is not" exits 0 log verify since-5.proof --log-key log.pub --head five.head
check "every entry can be read" exits 0 follow --state state --entries
check "and is shown, where it may be" has "$said" "resource   default/key/8"
check "without a key the first one is kept" exits 0 follow --state own
check "and it is said" has "$said" "this key was not known before"

# ---- lies ----
# alarm NAME WORDS PLAY...: of a log of nine entries that was followed
alarm() {
	name=$1 words=$2
	shift 2
	cp state before
	for one in "$@"; do play "$one"; done
	check "$name is an alarm" exits 1 follow --state state $more
	check "$name: it says so" has "$said" "ALARM"
	check "$name: and what" has "$said" "$words"
	check "$name: the accepted head stays" cmp -s state before
	check "$name: the other is kept" test -s state.alarm
	rm -f state.alarm
	check "$name: as JSON" exits 1 follow --state state --json $more
	check "$name: as an event" has "$said" '"event":"alarm"'
	rm -f state.alarm
}
more=
cp state nine.head
alarm "a forged signature" "signed by another key" stranger
play own
check "honest again, it goes on" exits 0 follow --state state
alarm "another log" "the head of another log" name/other
play "name/played%20log"
alarm "a proof cut short" "has not grown out of" append/3 lie
play honest
check "the same log with its proofs goes on" exits 0 follow --state state
alarm "two logs of one size" "FORK: there are two logs of 12 entries" fork/3
alarm "a longer fork" "FORK: the log of 14 entries has not grown out of that of 12" append/2
check "what cannot be proven is refused" exits 1 prove --since nine.head --log-key log.pub -o x.proof
check "a fork of entries to come is none" exits 0 follow --state other
play fork/13
check "but one of those that were seen is" exits 1 follow --state other
rm -f state other
check "a new follower sees the log that there is" exits 0 follow --state state
alarm "an older copy put back" "ENTRIES ERASED: the log had 14 entries, and has 11" truncate/11
play append/6
alarm "an older copy that went on" "FORK" append/1
rm -f state
check "a follower who reads it all" exits 0 follow --state state --entries
more=--entries
alarm "an erased entry" "ENTRY ERASED: entry 4 is not there" erase/4
check "an erased entry cannot be proven" exits 1 prove 4 --log-key log.pub
check "which is said" has "$said" "ENTRY ERASED: entry 4"
rm -f state
port2=$(free_port)
/usr/bin/python3 "$here/log_server.py" "$port2" log.pem stranger.pem &
second=$!
trap 'kill $server $second 2>/dev/null; clean_up' EXIT
url=http://127.0.0.1:$port2
eventually play append/8
check "another broker" exits 0 follow --state state --entries
alarm "a changed entry" "ENTRY CHANGED" tamper/3
rm -f state
play append/1
more=
check "two that changed places" exits 0 follow --state state
alarm "two that changed places" "FORK" swap/2
rm -f state
check "no limit on the age of a head" exits 0 follow --state state
more="--max-age 86400"
alarm "a head that is too old" "WITHHELD: the newest head is" clock/1000000000
play "clock/$(date +%s)"
check "a fresh one is none" exits 0 follow --state state --max-age 86400

# ---- trouble is no alarm ----
play mute
check "a broker that says nothing is trouble" exits 2 follow --state state
check "as JSON" exits 2 follow --state state --json
check "called so" has "$said" '"event":"trouble"'
play speak
kill $server $second
check "one that is gone, too" exits 2 follow --state state
echo junk >state
check "a state that is none" exits 2 follow --state state
check "a broker is needed" exits 2 log follow --state state
check "and a state" exits 2 log follow --broker "$url"
check "an option of another is none" exits 2 log verify two.proof --log-key log.pub --state state
check "nor is another subcommand" exits 2 log forge
exit $failed
