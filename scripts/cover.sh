#!/bin/sh
# Runs every test with coverage counters: a table on the screen, a page for each file in
# build-cover/coverage/.
set -eu
sh scripts/build.sh build-cover gcc -Db_coverage=true -Dbuildtype=debug
meson test -C build-cover --no-rebuild --print-errorlogs --quiet
mkdir -p build-cover/coverage
gcovr --root . --object-directory build-cover --filter 'src/' --filter 'cli/' --filter 'daemons/' \
	--exclude-unreachable-branches --html-details build-cover/coverage/index.html --print-summary \
	--txt build-cover/coverage/table.txt
cat build-cover/coverage/table.txt
echo "The pages: build-cover/coverage/index.html"
