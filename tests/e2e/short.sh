#!/bin/sh
# Many enclaves that end at once, several together: each tells its own output and status.
# Usage: short.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"

count=40 at_once=8
"$tobichi" build --tier soft -o short.tobi -- /bin/busybox sh -c 'echo "said $N"; exit $N' >/dev/null
cat >one.sh <<'END'
"$1" run --env "N=$2" short.tobi >"out.$2" 2>"err.$2"
echo $? >"status.$2"
END
# The service stays until the last of them, so that all are its enclaves.
"$tobichi" build --tier soft -o stay.tobi -- /bin/busybox sleep 1000 >/dev/null
stay=$("$tobichi" run --detach stay.tobi)
check "one that stays has an id" test ${#stay} = 8
seq 1 $count | xargs -P $at_once -n 1 sh one.sh "$tobichi"
wrong=
for n in $(seq 1 $count); do
	[ "$(cat "status.$n")" = "$n" ] || wrong="$wrong status:$n=$(cat "status.$n")"
	[ "$(cat "out.$n")" = "said $n" ] || wrong="$wrong output:$n=$(cat "out.$n")"
	[ ! -s "err.$n" ] || wrong="$wrong message:$n=$(cat "err.$n")"
done
check "$count short enclaves, $at_once at a time, tell their own end" same "$wrong" ""
check "and only the other one is left" same "$("$tobichi" ps | tail -n +2 | cut -d' ' -f1)" "$stay"
"$tobichi" stop --grace 1 "$stay" >/dev/null
check "none is a zombie" same "$(ps -o stat= --ppid "$(service)" | grep -c Z)" 0
exit $failed
