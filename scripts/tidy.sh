#!/bin/sh
# clang-tidy and gcc's analyzer over the library, the daemons and the command. What the
# first asks is in .clang-tidy.
set -eu
sh scripts/build.sh build-tidy clang
git ls-files 'src/*.c' 'cli/*.c' 'daemons/*.c' |
	xargs -P "$(nproc)" -n 8 clang-tidy -p build-tidy --quiet
# The macro is clang's, for base/fault.h. gcc 12 sees leaks where a cleanup attribute ends them.
analyze="-fanalyzer -Wno-analyzer-malloc-leak -D__clang_analyzer__"
analyze="$analyze -Wno-unused-value -Wno-unused-result"
rm -rf build-analyzer
CC=gcc CFLAGS=$analyze meson setup build-analyzer >/dev/null
ninja -C build-analyzer --quiet cli/tobichi daemons/platform/tobichid
echo "tidy: no complaints"
