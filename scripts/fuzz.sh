#!/bin/sh
# Fuzzes one target with libFuzzer, from its seeds. What it finds stays in
# build-fuzz/corpus/NAME, and an input that breaks it in build-fuzz/crashes.
# Usage: fuzz.sh NAME [SECONDS]
set -eu
cd "$(dirname "$0")/.."
name=${1:-} seconds=${2:-60} build=build-fuzz
names=$(sed -n "s/^  '\([a-z0-9_]*\)': '[0-9]*',\$/\1/p" fuzz/meson.build)
if ! echo "$names" | grep -qx -- "$name"; then
	[ -z "$name" ] || echo "error: there is no fuzz target $name" >&2
	echo "targets:" $names >&2
	exit 2
fi
case $seconds in '' | *[!0-9]*) echo "error: SECONDS is a number" >&2; exit 2 ;; esac
command -v clang >/dev/null || { echo "error: clang is not installed; run: make deps" >&2; exit 2; }
if [ ! -f $build/build.ninja ]; then
	CC=clang meson setup $build -Dfuzz=true >$build.log 2>&1 || { cat $build.log >&2; exit 2; }
	rm -f $build.log
fi
ninja -C $build --quiet fuzz/fuzz-$name fuzz/replay-$name
corpus=$build/corpus/$name
mkdir -p "$corpus" $build/crashes
$build/fuzz/replay-$name --seeds "$corpus"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
exec $build/fuzz/fuzz-$name -max_total_time="$seconds" -max_len=65536 -timeout=10 \
	-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=$build/crashes/$name- "$corpus"
