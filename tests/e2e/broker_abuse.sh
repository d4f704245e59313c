#!/bin/sh
# Abuse of brokers on SQLite and on PostgreSQL by thousands of requests, and stolen databases:
# broker_abuse.py, which has a database of its own.
# Usage: broker_abuse.sh BUILD_FOLDER
set -u
here=$(dirname "$0")
/usr/bin/python3 -c 'import cryptography' 2>/dev/null ||
	{ echo "skipped: python3-cryptography is not there"; exit 77; }
exec sh "$here/../postgres.sh" /usr/bin/python3 "$here/broker_abuse.py" "$1"
