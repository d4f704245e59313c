#!/bin/sh
# Faults, compressed, against brokers on PostgreSQL and on SQLite: broker_faults.py, which has
# a database of its own and may mount a small disk where nobody else sees it.
# Usage: broker_faults.sh BUILD_FOLDER
set -u
here=$(dirname "$0")
build=$1
/usr/bin/python3 -c 'import cryptography' 2>/dev/null ||
	{ echo "skipped: python3-cryptography is not there"; exit 77; }
for judge in truth load; do /usr/bin/python3 "$here/broker_$judge.py" || exit 1; done
apart='unshare --mount'
[ "$(id -u)" = 0 ] || apart='unshare --user --map-current-user --keep-caps --mount'
$apart true 2>/dev/null || apart=
# shellcheck disable=SC2086
exec sh "$here/../postgres.sh" $apart /usr/bin/python3 "$here/broker_faults.py" "$build"
