#!/bin/sh
# What fails on purpose, and what lasts: every allocation, every system call of a launch, ten
# thousand connections and a day's worth of reconnects. Takes half an hour; a short walk of
# each is among the tests. Usage: torture.sh [alloc|calls|endurance]...
set -eu
cd "$(dirname "$0")/.."
sh scripts/build.sh build gcc
[ $# -gt 0 ] || set -- alloc calls endurance
for part; do
	echo "== $part =="
	case $part in
	alloc) build/tests/torture/torture-alloc && tests/torture/allocations.py build ;;
	calls) tests/torture/calls.py build ;;
	endurance) tests/torture/endurance.py build ;;
	*) echo "error: there is no part '$part'; there are alloc, calls, endurance" >&2; exit 2 ;;
	esac
done
