#!/bin/sh
# What enclaves have sealed, and their counters, when the platform's keys move: from files
# into a token (SoftHSM), and back with a new seal root; the same with a TPM (swtpm).
# Usage: migrate.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so none; do
	[ ! -e "$module" ] || break
done
[ "$module" != none ] || { echo "skipped: SoftHSM is not installed"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

export SOFTHSM2_CONF="$work/softhsm2.conf"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' \
	"$work/tokens" >softhsm2.conf
mkdir -m 700 tokens
softhsm2-util --init-token --free --label plat --pin 4321 --so-pin 87654321 >/dev/null
(umask 077; echo 4321 >pin)

inside() { # SCRIPT: what it prints in an enclave, and its status
	printf 'cd /tmp; PATH=$PATH:/run/tobichi\n%s\n' "$1" | timeout -s KILL 60 "$tobichi" run a.tobi
}
seal() { inside "printf '$1' | tobichi seal | base64 -w0"; }
unseal() { inside "echo '$1' | base64 -d | tobichi unseal"; }
counted() { inside "tobichi counter $1 visits"; }
gone() { ! kill -0 "$(service)" 2>/dev/null; }
move() { # KIND OPTIONS
	kill "$(service)" 2>/dev/null
	eventually gone
	kind=$1
	shift
	"$tobichi" platform migrate --to "$kind" "$@"
}
to_token() { move pkcs11 --device "$module" --token plat --pin-file pin; }

"$tobichi" build --tier soft -o a.tobi -- /bin/busybox sh >/dev/null
blob=$(seal 'the secret')
check "sealed with files, opened with files" same "$(unseal "$blob")" "the secret"
counted increment >/dev/null
check "a counter in files" has "$(counted increment)" 2
check "files move into the token" exits 0 to_token
check "the counters, too" has "$said" "moved with the seal root"
check "sealed with files, opened with the token" same "$(unseal "$blob")" "the secret"
check "the counter goes on" has "$(counted increment)" 3
blob2=$(seal 'another one')
check "sealed with the token, opened with it" same "$(unseal "$blob2")" "another one"
check "a refused move changes nothing" exits 2 move file
check "what was sealed is still opened" same "$(unseal "$blob2")" "another one"
check "back into files, with a new seal root" exits 0 move file --new-seal-root
check "that counters are lost is said" has "$said" "all are 0 again"
check "what was sealed before is lost" exits 1 unseal "$blob"
check "the counter is new" has "$(counted read)" 0
blob3=$(seal 'a third')
check "sealed and opened with the new one" same "$(unseal "$blob3")" "a third"

# the same with a TPM, which has a counter of its own
if [ ! -e "$here/tpm_lib.sh" ] || ! command -v swtpm swtpm_setup tpm2_getcap >/dev/null; then
	echo "skipped: no software TPM here"
	exit $failed
fi
. "$here/tpm_lib.sh"
trap 'tpm_stop a; clean_up' EXIT
tpm_make a ''
tpm_start a
counted increment >/dev/null
check "files move into the TPM" exits 0 move tpm --device "swtpm:path=$work/a/socket"
check "sealed with files, opened with the TPM" same "$(unseal "$blob3")" "a third"
check "the counter goes on" has "$(counted increment)" 2
check "a restored file of counters" cp state/counters counters.old
counted increment >/dev/null
kill "$(service)" 2>/dev/null
eventually gone
cp counters.old state/counters
check "is noticed from now on" exits 1 counted read
check "it says so" has "$said" "rolled back"
kill "$(service)" 2>/dev/null
eventually gone
rm state/counters counters.old
check "and so is a lost one" exits 2 counted read
check "it says where the way out is" has "$said" "COUNTERS in tobichi-platform(1)"
kill "$(service)" 2>/dev/null
eventually gone
check "from the TPM into the token, with a new seal root" exits 0 move pkcs11 \
	--device "$module" --token plat --pin-file pin --new-seal-root
check "what was sealed before is lost" exits 1 unseal "$blob3"
check "that is the way out: counters begin anew" has "$(counted increment)" 1
exit $failed
