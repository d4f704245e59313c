#!/bin/sh
# What an image's limits are: memory, CPU, open files, writable space. Programs that run
# into them, and what neighbours see of each other, are in tests/attack.
# Usage: limits.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
run() { timeout -s KILL 60 "$tobichi" run "$@"; }
build() { name=$1; shift; "$tobichi" build --tier soft -o "$name.tobi" "$@" >/dev/null; }
# A file of an enclave's control group, in version 1 or 2.
group() { find /sys/fs/cgroup -path "*/tobichi-$1/$2" 2>/dev/null | head -1; }

# memory
build fits --memory 64M -- /usr/bin/python3 -c 'print(len(bytearray(32 << 20)))'
check "what fits runs" same "$(run fits.tobi 2>/dev/null)" 33554432
build eater --memory 16M -- /usr/bin/python3 -c 'print(len(bytearray(400 << 20)))'
check "what does not is killed" exits 137 run eater.tobi
check "and run says why" has "$said" "it ran out of memory; build the image with a higher --memory"
check "it did not get it" hasnt "$said" 419430400
build small --memory 4M -- /usr/bin/python3 -c 'print(len(bytearray(100 << 20)))'
check "too little to start" exits 137 run small.tobi
check "and run says why" has "$said" "it ran out of memory"
build killed -- /bin/busybox sh -c 'kill -9 $$'
check "another kill -9" exits 137 run killed.tobi
check "is not said to be of memory" same "$said" ""

# CPU
build slow --cpus 0.25 -- /bin/busybox sleep 60
id=$(run -d slow.tobi)
if [ -n "$(group "$id" cpu.max)" ]; then
	check "the CPU quota is as asked" same "$(cat "$(group "$id" cpu.max)")" "25000 100000"
else
	check "the CPU quota is as asked" same "$(cat "$(group "$id" cpu.cfs_quota_us)")/$(cat "$(group "$id" cpu.cfs_period_us)")" 25000/100000
fi
"$tobichi" stop --grace 0 "$id" >/dev/null

# open files
build files --files 40 -- /bin/busybox sh -c 'ulimit -n; ulimit -Hn; ulimit -c'
check "open files have a limit, core dumps are off" same "$(run files.tobi | tr '\n' ' ')" "40 40 0 "

# writable space: one limit for all of it
fill='for place in /tmp /home /run /var /dev/shm; do dd if=/dev/zero of=$place/x bs=64k count=1000 2>/dev/null && echo "$place is full of room"; done; cat /tmp/x /home/x /run/x /var/x /dev/shm/x | wc -c'
build filler --writable-size 1M -- /bin/busybox sh -c "$fill"
out=$(run filler.tobi 2>/dev/null)
check "no place has room" hasnt "$out" "full of room"
total=$(echo "$out" | head -1)
check "the limit is for all places together" test "$total" -gt 900000 -a "$total" -le 1200000
build elsewhere -- /bin/busybox sh -c 'for place in / /etc /bin /proc /dev /sys /usr; do touch $place/x 2>/dev/null && echo $place; done; cp /bin/busybox /tmp/b && /tmp/b true && echo executed; true'
check "nothing else is writable, and what is, is not executable" same "$(run elsewhere.tobi 2>/dev/null)" ""

exit $failed
