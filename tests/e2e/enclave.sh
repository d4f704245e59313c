#!/bin/sh
# The whole journey with real programs: build, run, connect; what is refused; what is left.
# Usage: enclave.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
command -v redis-server >/dev/null || { echo "skipped: needs redis-server"; exit 77; }
. "$(dirname "$0")/lib.sh"

# build: the same bytes twice
"$tobichi" build --tier soft -o one.tobi -- /bin/busybox echo hello >/dev/null
mkdir other && (cd other && umask 077 && "$tobichi" build --tier soft -o two.tobi -- /bin/busybox echo hello >/dev/null)
check "the same input gives the same bytes" cmp one.tobi other/two.tobi

# run: output, status, environment
check "output comes back" same "$("$tobichi" run one.tobi 2>/dev/null)" hello
"$tobichi" build --tier soft -o status.tobi -- /bin/busybox sh -c 'exit 7' >/dev/null
"$tobichi" run status.tobi
check "the exit status comes back" same $? 7
"$tobichi" build --tier soft -o signal.tobi -- /bin/busybox sh -c 'kill -9 $$' >/dev/null
"$tobichi" run signal.tobi
check "a signal comes back as 128 and its number" same $? 137
"$tobichi" build --tier soft -o env.tobi -- /bin/busybox env >/dev/null
inside=$(SECRET=yes LD_PRELOAD=/nowhere.so "$tobichi" run --env WANTED=1 env.tobi 2>env.log) || cat env.log
check "the launch's environment is there" has "$inside" WANTED=1
check "nothing else of the host's" sh -c '! echo "$1" | grep -qE "LD_PRELOAD|SECRET"' - "$inside"

# what the program cannot do
probe='id -u; touch /etc/x 2>/dev/null && echo wrote-root; '
probe="$probe"'mount -t tmpfs x /tmp 2>/dev/null && echo mounted; '
probe="$probe"'unshare -m true 2>/dev/null && echo unshared; '
probe="$probe"'cat /proc/1/environ >/dev/null 2>&1 && echo read-agent; '
probe="$probe"'ls -d /sys/kernel >/dev/null 2>&1 && echo sysfs; '
probe="$probe"'[ $(ls -d /proc/[0-9]* | wc -l) -lt 8 ] || echo host-processes; '
probe="$probe"'grep -qE "eth|ens|docker" /proc/net/dev && echo host-network; hostname'
"$tobichi" build --tier soft -o probe.tobi -- /bin/busybox sh -c "$probe" >/dev/null
check "the program is alone" same "$("$tobichi" run probe.tobi 2>/dev/null | tr '\n' ' ')" "1000 enclave "
"$tobichi" build --tier soft --memory 16M -o eater.tobi -- /usr/bin/python3 -c 'b = bytearray(400 << 20); print(len(b))' >/dev/null
out=$("$tobichi" run eater.tobi 2>&1)
check "memory has a limit" sh -c 'case $1 in *419430400*) exit 1 ;; esac' - "$out"

# bad images
cp one.tobi flipped.tobi
printf '\377' | dd of=flipped.tobi bs=1 seek=20000 conv=notrunc 2>/dev/null
out=$("$tobichi" run flipped.tobi 2>&1)
check "a changed image is an error" same $? 2
check "and it says what differs" has "$out" "root file system"
head -c 9000 one.tobi >short.tobi
"$tobichi" run short.tobi 2>/dev/null
check "a truncated image is an error" same $? 2
"$tobichi" build -o none.tobi -- no-such-program 2>/dev/null
check "a missing program is an error" same $? 2

# a server, verified
server_ports
"$tobichi" build --tier soft --port 6379 -o redis.tobi -- redis-server --save '' --dir /tmp >/dev/null
id=$("$tobichi" run --detach --publish "$port:6379" redis.tobi)
check "detached gives an id" test ${#id} = 8
service >"$work/pid"
out=$("$tobichi" run --publish "$port:6379" redis.tobi 2>&1)
check "a taken port is an error that names it" has "$out" "$port is taken"
sleep 0.5
"$tobichi" connect "127.0.0.1:$port" --policy redis.policy.yaml --quiet 2>/dev/null
check "the enclave is accepted" same $? 0
"$tobichi" connect "127.0.0.1:$port" --policy redis.policy.yaml --listen "127.0.0.1:$local" 2>/dev/null &
client=$!
pong() { same "$(redis-cli -p "$local" ping 2>&1)" PONG; }
check "redis answers through the channel" eventually pong
kill -INT $client
wait $client
"$tobichi" build --port 6379 -o hardware.tobi -- redis-server --save '' --dir /tmp >/dev/null
out=$("$tobichi" connect "127.0.0.1:$port" --policy hardware.policy.yaml --verbose 2>&1)
check "a policy that wants hardware refuses" same $? 1
check "and says so" has "$out" POLICY-TIER
"$tobichi" build --tier soft --port 6379 -o changed.tobi -- redis-server --save '' --dir /var >/dev/null
out=$("$tobichi" connect "127.0.0.1:$port" --policy changed.policy.yaml 2>&1)
check "another image is refused" same $? 1
check "and says so" has "$out" POLICY-IMAGE

# nothing is left after kill -9
kill -9 "$(service)"
check "no socket after kill -9" eventually test ! -e run/service.sock
check "no control group after kill -9" sh -c "! find /sys/fs/cgroup -name 'tobichi-$id' 2>/dev/null | grep -q ."
check "no state file after kill -9" test ! -e "run/enclaves/$id"
check "the service starts again" same "$("$tobichi" run one.tobi 2>/dev/null)" hello
service >"$work/pid"
exit $failed
