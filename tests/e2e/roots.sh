#!/bin/sh
# The same secret, handed to an enclave and sealed there, under each root of trust: files, a
# TPM (swtpm), a token (SoftHSM). The service starts anew, and the same secret comes back;
# nobody opens what another root has sealed.
# Usage: roots.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to launch enclaves as it does"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/tpm_lib.sh"
export SOFTHSM2_CONF="$work/softhsm2.conf"
run="$work/run" state="$work/state"
# use ROOT: the platform, and the service, that the next commands are for
use() { export TOBICHI_RUN_FOLDER="$run-$1" TOBICHI_STATE_FOLDER="$state-$1"; }
serving() { # the process id of that service, while it lives
	pid=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' "$TOBICHI_RUN_FOLDER/service.log" 2>/dev/null | tail -1)
	[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && echo "$pid"
}
stopped() { ! serving >/dev/null; }
stop_service() {
	pid=$(serving) && kill "$pid"
	eventually stopped
}
finish() {
	for root in file tpm pkcs11; do
		use $root
		stop_service
	done
	tpm_stop a
	clean_up
}
trap finish EXIT
init() { # ROOT
	case $1 in
	file) "$tobichi" platform init ;;
	tpm)
		tpm_make a ''
		tpm_start a
		"$tobichi" platform init --root tpm --device "swtpm:path=$work/a/socket"
		;;
	pkcs11)
		printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' \
			"$work/tokens" >softhsm2.conf
		mkdir -m 700 tokens
		softhsm2-util --init-token --free --label plat --pin 4321 --so-pin 87654321 >/dev/null
		(umask 077; echo 4321 >pin)
		"$tobichi" platform init --root pkcs11 --device "$module" --token plat --pin-file pin
		;;
	esac
}
absent() { # ROOT: why it cannot be shown here
	case $1 in
	tpm)
		for tool in swtpm swtpm_setup; do
			command -v $tool >/dev/null || { echo "$tool is not installed"; return; }
		done
		;;
	pkcs11) [ "$module" != none ] || echo "SoftHSM is not installed" ;;
	esac
}
for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so none; do
	[ ! -e "$module" ] || break
done
sealed() { "$tobichi" logs "$1" | grep -q '^end$'; }
unseal() { # BLOB: in an enclave of this image that nobody gives the secret to
	printf '%s' "$1" | timeout -s KILL 60 "$tobichi" run --arg open keep.tobi
}

# One image for all: it seals the secret that comes, or opens what is on its input.
use build
seals='until [ -e /run/secrets/word ]; do sleep 0.1; done; tobichi seal </run/secrets/word | base64 -w0; echo; echo end; sleep 1000'
"$tobichi" build --tier soft --port 8000 -o keep.tobi -- /bin/busybox sh -c \
	"[ \"\$1\" != open ] || { base64 -d | tobichi unseal; exit; }; $seals" keep >/dev/null 2>&1
image=$("$tobichi" inspect keep.tobi | sed -n 's/^image id *//p')
head -c 24 /dev/urandom | base64 >word
chmod 600 word
secret=$(cat word)
shown=""
for root in file tpm pkcs11; do
	why=$(absent $root)
	[ -z "$why" ] || { echo "skipped: $root: $why"; continue; }
	use $root
	check "$root: a platform" exits 0 init $root
	check "$root: status says where the keys are" has "$said" "root of trust  $root"
	"$tobichi" platform anchor >anchor.pem
	hardware=$("$tobichi" platform status | sed -n 's/^hardware id *//p')
	port=$(free_port)
	id=$("$tobichi" run --detach --publish "$port:8000" keep.tobi)
	{
		printf 'version: 1\ntiers: [soft]\nimages: [%s]\n' "$image"
		printf 'identity:\n  mode: hardware\n  hardware: [%s]\n' "$hardware"
		printf 'roots:\n  - tier: soft\n    anchors: |\n'
		sed 's/^/      /' anchor.pem
	} >$root.yaml
	check "$root: the secret is sent to it" exits 0 "$tobichi" send "127.0.0.1:$port" --policy $root.yaml word=word
	check "$root: it is sealed" eventually sealed "$id"
	"$tobichi" logs "$id" | head -1 >$root.sealed
	check "$root: the secret is not in it" hasnt "$(base64 -d $root.sealed | tr -d '\0')" "$secret"
	"$tobichi" stop --grace 0 "$id" >/dev/null
	check "$root: the service stops" stop_service
	check "$root: after a new start the same secret comes back" same "$(unseal "$(cat $root.sealed)")" "$secret"
	shown="$shown $root"
done

# No root opens another's.
for root in $shown; do
	use $root
	for other in $shown; do
		[ $other != "$root" ] || continue
		check "$root does not open what $other has sealed" exits 1 unseal "$(cat "$other.sealed")"
		check "it says whose it is" has "$said" "another platform"
	done
done
exit $failed
