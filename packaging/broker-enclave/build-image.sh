#!/bin/sh
# Builds the image of a key broker that runs inside an enclave, from the tobichi-broker of
# this host and the libraries that it needs; and beside it the policy by which clients and
# owners know it.
# Usage: build-image.sh CONFIG OPERATOR-KEY DATABASE-HOST:PORT IMAGE.tobi [BUILD-OPTION...]
# CONFIG: a filled-in copy of broker.yaml beside this script. OPERATOR-KEY: a public key
# (PEM). What stands behind is for `tobichi build`: --key, --product, --svn, --memory, ...
# TOBICHI and TOBICHI_BROKER name other programs than those that are installed.
set -eu
if [ $# -lt 4 ]; then
	sed -n '2,/^set/{/^# /s/^# //p}' "$0" >&2
	exit 2
fi
config=$1 operator=$2 database=$3 image=$4
shift 4
tobichi=${TOBICHI:-tobichi}
broker=${TOBICHI_BROKER:-}
for folder in /usr/libexec/tobichi /usr/local/libexec/tobichi; do
	[ -n "$broker" ] || [ ! -x "$folder/tobichi-broker" ] || broker=$folder/tobichi-broker
done
[ -n "$broker" ] || { echo "error: tobichi-broker is not installed; TOBICHI_BROKER names another" >&2; exit 2; }
for file in "$config" "$operator"; do
	[ -r "$file" ] || { echo "error: $file cannot be read" >&2; exit 2; }
done
# An absolute path: it becomes one in the image.
config=$(realpath "$config") operator=$(realpath "$operator")
exec "$tobichi" build --tier soft --port 8443 --client-policy program --egress "$database=5432" \
	--add "$config:/etc/tobichi/broker.yaml" --add "$operator:/etc/tobichi/operator.pub" "$@" -o "$image" \
	-- "$broker" --config /etc/tobichi/broker.yaml
