#!/bin/sh
# What an image's limits hold back: memory, processes, CPU, open files, writable space.
# Several enclaves at once, and what they see of each other.
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

# processes
build bomb --processes 24 -- /bin/busybox sh -c 'echo begun; f() { f | f & }; f; while :; do sleep 1; done'
id=$(run -d bomb.tobi)
begun() { "$tobichi" logs "$id" | grep -q begun; }
check "a fork bomb starts" eventually begun
sleep 0.5
check "its limit is the image's, and the agent" same "$(cat "$(group "$id" pids.max)")" 25
check "it stays below" test "$(cat "$(group "$id" pids.current)")" -le 25
build true -- /bin/busybox true
check "others run meanwhile" exits 0 run true.tobi
check "it can be stopped" exits 0 timeout -s KILL 30 "$tobichi" stop --grace 0 "$id"
check "all of it" same "$(group "$id" pids.max)" ""

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
fill='for place in /tmp /home /run /var /dev/shm; do dd if=/dev/zero of=$place/x bs=64k count=1000 2>/dev/null && echo "$place is full of room"; done; '
fill="$fill"'cat /tmp/x /home/x /run/x /var/x /dev/shm/x | wc -c; dd if=/dev/zero of=/tmp/y bs=64k count=1 2>&1 | grep -o "No space left"'
build filler --writable-size 1M -- /bin/busybox sh -c "$fill"
out=$(run filler.tobi 2>/dev/null)
check "a disk filler gets ENOSPC" has "$out" "No space left"
check "in every place" hasnt "$out" "full of room"
total=$(echo "$out" | head -1)
check "the limit is for all places together" test "$total" -gt 900000 -a "$total" -le 1200000
build elsewhere -- /bin/busybox sh -c 'for place in / /etc /bin /proc /dev /sys /usr; do touch $place/x 2>/dev/null && echo $place; done; cp /bin/busybox /tmp/b && /tmp/b true && echo executed; true'
check "nothing else is writable, and what is, is not executable" same "$(run elsewhere.tobi 2>/dev/null)" ""

# neighbours
mkdir -p root/bin root/proc root/dev root/tmp root/home root/run root/var
cp "$1/tests/e2e/neighbour" root/bin
build both --root root -- /bin/neighbour both
check "in one enclave all is found" same "$(run both.tobi)" "/dev/shm/neighbour /tmp/neighbour abstract-socket port shared-memory semaphore message-queue "
build make --root root -- /bin/neighbour make
build look --root root -- /bin/neighbour look
id=$(run -d make.tobi)
made() { "$tobichi" logs "$id" | grep -q made; }
check "a neighbour makes one of each" eventually made
check "another enclave finds nothing" same "$(run look.tobi)" nothing
check "nor does the host" same "$("$1/tests/e2e/neighbour" look)" nothing
build processes -- /bin/busybox sh -c 'for p in /proc/[0-9]*; do cat $p/cmdline 2>/dev/null | tr "\0" " "; done'
check "nor its processes" hasnt "$(run processes.tobi)" neighbour
"$tobichi" stop --grace 0 "$id" >/dev/null
exit $failed
