#!/bin/sh
# Usage: build.sh FOLDER COMPILER [MESON-OPTION...]: configure once, then build.
set -eu
folder=$1 compiler=$2
shift 2
if [ ! -f "$folder/build.ninja" ]; then
	CC=$compiler meson setup "$folder" "$@" >"$folder.log" 2>&1 || {
		cat "$folder.log" >&2
		exit 2
	}
	rm -f "$folder.log"
fi
ninja -C "$folder" --quiet
