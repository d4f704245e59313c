#!/bin/sh
# Usage: build.sh FOLDER COMPILER [MESON-OPTION...]: configure once, then build. Says what
# takes long, and all that the tools said when something failed.
set -eu
folder=$1 compiler=$2
shift 2
log=$folder.log
quietly() {
	"$@" >"$log" 2>&1 || {
		cat "$log" >&2
		exit 2
	}
	rm -f "$log"
}
if [ ! -f "$folder/build.ninja" ]; then
	echo "Building with $compiler into $folder/ (a minute or two, this first time)"
	CC=$compiler quietly meson setup "$folder" "$@"
fi
quietly ninja -C "$folder" --quiet
