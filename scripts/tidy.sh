#!/bin/sh
# clang-tidy over the library, the daemons and the command, and gcc's analyzer over the
# library. What they ask is in .clang-tidy.
set -eu
sh scripts/build.sh build-tidy clang
git ls-files 'src/*.c' 'cli/*.c' 'daemons/*.c' |
	xargs -P "$(nproc)" -n 8 clang-tidy -p build-tidy --quiet
CFLAGS=-fanalyzer sh scripts/build.sh build-analyzer gcc
echo "tidy: no complaints"
