#!/bin/sh
# The service and its two helpers: who has the platform's keys, and what is left of whom.
# Usage: keys.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to look into memory"; exit 77; }
. "$(dirname "$0")/lib.sh"

mkdir -m 700 run
"$tobichi" platform init >/dev/null
# With a group of its own: the files in /proc of a process that may be dumped have it.
(ulimit -Sn 100 && exec setpriv --regid 4242 --clear-groups "$1/daemons/platform/tobichid" \
	--run-folder "$work/run" --state-folder "$work/state" 2>run/service.log) &
eventually grep -q event=ready run/service.log # after the socket is there
main=$(service)
signer='' sweeper=''
for pid in $(ps -o pid= --ppid "$main"); do
	if [ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ]; then sweeper=$pid; else signer=$pid; fi
done
check "the service has a signer and a sweeper" test -n "$signer" -a -n "$sweeper"
check "all of the signer's memory is locked" grep -q 'keys=locked' run/service.log

cat >scan.py <<'END'
"""How often the platform key (its scalar, either byte order) or the seal root is there."""
import re, subprocess, sys
text = subprocess.run(["openssl", "pkey", "-in", "state/platform.key", "-noout", "-text"],
                      check=True, capture_output=True).stdout.decode()
scalar = bytes.fromhex(re.sub(r"[\s:]", "", re.search(r"priv:(.*?)pub:", text, re.S).group(1)))[-48:]
wanted = [scalar, scalar[::-1], open("state/seal-root", "rb").read()]
found = 0
for line in open(f"/proc/{sys.argv[1]}/maps"):
    first, last = (int(n, 16) for n in line.split()[0].split("-"))
    if line.split()[1][0] != "r" or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
        continue
    if last - first > 1 << 32:
        continue  # a sanitizer's own
    with open(f"/proc/{sys.argv[1]}/mem", "rb") as memory:
        memory.seek(first)
        try:
            content = memory.read(last - first)
        except OSError:
            continue  # secret memory: nobody may read it
    found += sum(content.count(key) for key in wanted)
print("found" if found else "none")
END
check "the key is in the signer" same "$(/usr/bin/python3 scan.py "$signer")" found
check "not in the service" same "$(/usr/bin/python3 scan.py "$main")" none
check "not in the sweeper" same "$(/usr/bin/python3 scan.py "$sweeper")" none
for pid in $main $signer $sweeper; do
	check "process $pid is not dumpable" same "$(stat -c %g "/proc/$pid/environ")" 0
done
check "no program is given a dump of the service" \
	same "$(awk '/^Max core/ { print $5, $6 }' "/proc/$main/limits")" "1 1"
check "it has all the open files that it may have" \
	sh -c 'set -- $1; [ "$4" = "$5" ]' - "$(grep '^Max open files' "/proc/$main/limits")"
check "the sweeper has the pipe and the lock only" \
	same "$(ls "/proc/$sweeper/fd" | tr '\n' ' ')" "0 1 2 3 4 "
check "its lock is the service's" same "$(readlink "/proc/$sweeper/fd/4")" "$work/run/lock"
kill -9 "$main"
eventually test ! -e run/service.sock
check "and it still sweeps" test ! -e run/service.sock

# secrets on their way out
mkfifo hold
setpriv --regid 4242 --clear-groups "$tobichi" send 127.0.0.1:1 --policy none token=- <hold 2>/dev/null &
sender=$!
exec 9>hold
# What runs before it, this shell's own copy, belongs to root anyway.
check "tobichi send cannot be dumped" eventually sh -c '[ /proc/$1/exe -ef "$2" ] &&
	[ "$(stat -c %g /proc/$1/environ)" = 0 ]' - $sender "$tobichi"
exec 9>&-
wait $sender

# without its signer a service vouches for nobody: it ends, and its enclaves
"$tobichi" build --tier soft -o stay.tobi -- /bin/busybox sleep 1000 >/dev/null
id=$("$tobichi" run --detach stay.tobi)
main=$(service)
for pid in $(ps -o pid= --ppid "$main"); do
	grep -qs '^Max open files *0 ' "/proc/$pid/limits" && kill -9 "$pid"
done
check "no evidence without a signer" exits 2 "$tobichi" attest "$id" -o none.cbor
eventually sh -c "! kill -0 $main 2>/dev/null || grep -q zombie /proc/$main/status"
check "the service has ended" test ! -e run/service.sock
check "its enclave too" test ! -e "run/enclaves/$id"
check "the log says why" grep -q 'event=failed.*signer' run/service.log
exit $failed
