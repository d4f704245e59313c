#!/bin/sh
# Of bench-kbs.sh: releases of one broker, and of two on one database, in turn, in the working folder,
# to two.times. Where two cores are shared by brokers, database and client, two brokers with a core each
# could not be told from one: so each broker has a small share of a core (a quota of its control group), and
# what hinders two of them beside each other is what they share, the database and the log in it.
# Usage: tests/postgres.sh scripts/bench-two-brokers.sh PORT PORT ROUNDS
set -eu
. "${0%/*}/bench-kbs.sh"
groups= helpers= percent=${BENCH_QUOTA:-20}
leave() {
	set +e
	for pid in $helpers; do kill "$pid" && wait "$pid"; done
	for group in $groups; do rmdir "$group"; done
}
trap leave EXIT
trap 'exit 1' INT TERM

quota() { # NAME PID
	group=/sys/fs/cgroup/cpu/$1 # version 1
	[ -d /sys/fs/cgroup/cpu ] || group=/sys/fs/cgroup/$1
	mkdir "$group" 2>/dev/null || { echo "no control group of processors can be made"; exit 77; }
	groups="$groups $group"
	if [ -e "$group/cpu.max" ]; then
		echo "$((percent * 100)) 10000" >"$group/cpu.max"
	else
		echo 10000 >"$group/cpu.cfs_period_us"
		echo "$((percent * 100))" >"$group/cpu.cfs_quota_us"
	fi
	echo "$2" >"$group/cgroup.procs"
}
new_broker two-1 "$1" --database "$TOBICHI_TEST_DATABASE"
cp -a two-1 two-2
sed -i "s/127.0.0.1:$1/127.0.0.1:$2/; s/localhost:$1/localhost:$2/" two-2/broker.yaml
start_broker two-1 "$1"
first=$broker
start_broker two-2 "$2"
write_install two-1 "$1"
quota "tobichi-bench-$$-1" "$first"
quota "tobichi-bench-$$-2" "$broker"
release "$install" "$3" "${BENCH_RELEASES:-300}" - "$1:$first" "$2:$broker" >two.times
