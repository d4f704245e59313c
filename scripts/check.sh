#!/bin/sh
# The rules of the house, then a build with gcc, with clang, and with the address and
# undefined-behaviour sanitizers, and every test in each.
set -eu
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1
total=0 skipped=0
count() { # RESULT NAME
	grep -c "\"result\": \"$1\"" "build-$2/meson-logs/testlog.json" || true
}
round() { # NAME COMPILER MESON-OPTION...
	name=$1 compiler=$2
	shift 2
	echo "== $name"
	sh scripts/build.sh "build-$name" "$compiler" "$@"
	meson test -C "build-$name" --no-rebuild --print-errorlogs --quiet
	total=$((total + $(count OK "$name")))
	skipped=$((skipped + $(count SKIP "$name")))
}
echo "== rules"
python3 scripts/lint.py --self-test
git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
round gcc gcc
python3 scripts/lint.py --build build-gcc
echo "== attacks, each without a wall and against an enclave"
jq -r 'select(.name | contains("attack-")) | .name, .stdout' build-gcc/meson-logs/testlog.json
round clang clang
round sanitize gcc -Db_sanitize=address,undefined
[ "$total" -gt 0 ] || { echo "error: no test ran" >&2; exit 1; }
echo "$total passed, 0 failed, $skipped skipped"
