#!/bin/sh
# Builds with gcc, with clang, and with the address and undefined-behaviour
# sanitizers, and runs every test in each.
set -eu
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1
total=0
round() {
	name=$1 compiler=$2
	shift 2
	echo "== $name"
	sh scripts/build.sh "build-$name" "$compiler" "$@"
	meson test -C "build-$name" --print-errorlogs --quiet
	count=$(grep -c '"result": "OK"' "build-$name/meson-logs/testlog.json" || true)
	total=$((total + count))
}
round gcc gcc
round clang clang
round sanitize gcc -Db_sanitize=address,undefined
[ "$total" -gt 0 ] || { echo "error: no test ran" >&2; exit 1; }
echo "$total passed, 0 failed"
