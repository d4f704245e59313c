#!/bin/sh
# A platform whose keys are in a token (SoftHSM): evidence of a running enclave, a wrong
# PIN, a token that is taken away while the service runs, and moving from provider to
# provider.
# Usage: pkcs11.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so none; do
	[ ! -e "$module" ] || break
done
[ "$module" != none ] || { echo "skipped: SoftHSM is not installed"; exit 77; }
. "$(dirname "$0")/lib.sh"

export SOFTHSM2_CONF="$work/softhsm2.conf"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' \
	"$work/tokens" >softhsm2.conf
mkdir -m 700 tokens
softhsm2-util --init-token --free --label plat --pin 4321 --so-pin 87654321 >/dev/null
softhsm2-util --init-token --free --label other --pin 1111 --so-pin 87654321 >/dev/null
(umask 077; echo 4321 >pin)
in_token="--device $module --token plat --pin-file pin"
nonce=00112233445566778899aabbccddeeff
# shellcheck disable=SC2086 # options
init() { "$tobichi" platform init --root pkcs11 $in_token; }
evidence() { # ENCLAVE FILE
	"$tobichi" attest "$1" --nonce $nonce -o "$2" >/dev/null
}
accepted() { # FILE POLICY
	"$tobichi" verify "$1" --policy "$2" --nonce $nonce
}
objects() { pkcs11-tool --module "$module" --token-label plat --login --pin 4321 -O 2>/dev/null; }
stop_service() {
	pid=$(service)
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	eventually test ! -e run/service.sock
}

# what is refused, and leaves nothing
check "a platform needs a token" exits 2 "$tobichi" platform init --root pkcs11 --device "$module"
check "it says the option" has "$said" "--token"
check "no token of that name" exits 2 \
	"$tobichi" platform init --root pkcs11 --device "$module" --token none --pin-file pin
check "it says so" has "$said" "the token 'none' is not there"
check "the PIN of another token" exits 2 \
	"$tobichi" platform init --root pkcs11 --device "$module" --token other --pin-file pin
check "it says so" has "$said" "the PIN is wrong"
check "no module" exits 2 "$tobichi" platform init --root pkcs11 --device "$work/none.so" \
	--token plat --pin-file pin
check "another library" exits 2 "$tobichi" platform init --root pkcs11 \
	--device "$(ldd "$tobichi" | awk '/libcrypto/ { print $3 }')" --token plat --pin-file pin
check "it says so" has "$said" "not a PKCS#11 module"
chmod 644 pin
check "a PIN that others can read" exits 2 init
check "it says what to do" has "$said" "chmod 600"
chmod 600 pin
check "nothing was made" test ! -e state/pkcs11.root
check "and nothing is in the token" same "$(objects)" ""

# a platform in the token, and an enclave
check "a platform is made in the token" exits 0 init
check "status says where" has "$said" "root of trust  pkcs11"
check "and in which token" has "$said" "device         token 'plat', serial number "
check "no key is in the folder" same "$(ls state | tr '\n' ' ')" "pkcs11.root platform-ca.pem platform.pem "
check "pkcs11-tool sees two keys and a public half" same "$(objects | grep -c 'ID:')" 3
check "they never leave" same \
	"$(objects | grep -c 'sensitive, always sensitive, never extractable, local')" 2
check "nor can they do anything else" same "$(objects | sed -n 's/ *Usage: *//p' | sort | tr '\n' ' ')" \
	"none sign verify "
"$tobichi" build --tier soft --port 8000 -o web.tobi -- /bin/busybox httpd -f -p 8000 -h /usr >/dev/null
port=$(free_port)
id=$("$tobichi" run --detach --publish "$port:8000" web.tobi)
check "its evidence is made" evidence "$id" one.cbor
check "it is accepted" exits 0 accepted one.cbor web.policy.yaml
check "it says where the key is" has "$said" "keys in pkcs11"
check "a client connects" exits 0 "$tobichi" connect "127.0.0.1:$port" --policy web.policy.yaml -- true

# the token is taken away, and put back
mv tokens taken
check "without the token there is no evidence" exits 2 "$tobichi" attest "$id" -o none.cbor
check "it says why" has "$said" "the token 'plat' is not there"
check "nor a connection" exits 1 "$tobichi" connect "127.0.0.1:$port" --policy web.policy.yaml -- true
check "the enclave lives" has "$("$tobichi" ps)" "$id"
mv taken tokens
check "with the token there is evidence again" evidence "$id" two.cbor
check "and it is accepted" exits 0 accepted two.cbor web.policy.yaml
check "a move is refused meanwhile" exits 2 "$tobichi" platform migrate --to file --new-seal-root
check "it says why" has "$said" "stop it first"

# a service that starts anew
stop_service
id=$("$tobichi" run --detach web.tobi)
evidence "$id" three.cbor
check "after a restart it is the same platform" exits 0 accepted three.cbor web.policy.yaml
stop_service
echo 9999 >pin
check "a wrong PIN: no start" exits 2 "$tobichi" run --detach web.tobi
check "it says so" has "$said" "the PIN is wrong"
echo 4321 >pin
mv tokens taken
check "no token: no start" exits 2 "$tobichi" run --detach web.tobi
mv taken tokens
check "the right PIN and the token: a start" exits 0 "$tobichi" platform status

# from a token into files, and back
check "a seal root cannot leave a token" exits 2 "$tobichi" platform migrate --to file
check "it says what to do" has "$said" "--new-seal-root"
check "and nothing has changed" has "$("$tobichi" platform status)" "root of trust  pkcs11"
before=$("$tobichi" platform status | sed -n 's/^hardware id *//p')
check "with a new one it moves" exits 0 "$tobichi" platform migrate --to file --new-seal-root
check "it says the old hardware id" has "$said" "before       $before"
check "and what is lost" has "$said" "can never be opened"
check "the token is empty" same "$(objects)" ""
check "the keys are in files" test -e state/platform.key -a -e state/seal-root
# HKDF's extract step, by OpenSSL: HMAC over the seal root with a key of zeros.
hmac() { # KEY FILE
	openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" "$2" | sed 's/.* //'
}
prk=$(hmac "$(printf '%064d' 0)" state/seal-root)
# shellcheck disable=SC2086 # options
check "files move into the token" exits 0 "$tobichi" platform migrate --to pkcs11 $in_token
check "the seal root with them" has "$said" "the same"
check "the old files are gone" same "$(ls state | tr '\n' ' ')" "pkcs11.root platform-ca.pem platform.pem "
printf 'info\1' >info
seal_id=$(pkcs11-tool --module "$module" --token-label plat --login --pin 4321 -O --type secrkey 2>/dev/null |
	sed -n 's/ *ID: *//p')
pkcs11-tool --module "$module" --token-label plat --login --pin 4321 --sign -m SHA256-HMAC \
	--id "$seal_id" -i info -o derived >/dev/null 2>&1
check "pkcs11-tool derives with it what OpenSSL does from the file" \
	same "$(od -An -tx1 derived | tr -d ' \n')" "$(hmac "$prk" info)"
"$tobichi" build --tier soft --port 8000 -o web2.tobi -- /bin/busybox httpd -f -p 8000 -h /usr >/dev/null
id=$("$tobichi" run --detach web2.tobi)
evidence "$id" four.cbor
check "it vouches for enclaves" exits 0 accepted four.cbor web2.policy.yaml
check "not for who trusts the platform before" exits 1 accepted four.cbor web.policy.yaml
check "a move to nowhere" exits 2 "$tobichi" platform migrate

# an ordinary user, with the limits on locked memory that are usual
number=65501
user() {
	timeout -s KILL 60 setpriv --reuid $number --regid $number --clear-groups --bounding-set=-all \
		env -i PATH=/usr/bin:/bin HOME="$work/user" XDG_RUNTIME_DIR="$work/user/run" \
		XDG_DATA_HOME="$work/user/data" SOFTHSM2_CONF="$work/user/softhsm2.conf" "$@"
}
finish() {
	pid=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' "$work/user/run/tobichi/service.log" 2>/dev/null | tail -1)
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	clean_up
}
if user test -x "$tobichi" && user unshare -Ur true 2>/dev/null; then
	trap finish EXIT
	chmod 755 "$work"
	mkdir -p user/run user/data user/tokens
	sed "s,$work/tokens,$work/user/tokens," softhsm2.conf >user/softhsm2.conf
	cp pin web.tobi user
	chown -R $number:$number user
	chmod 700 user/run user/tokens
	cd user || exit 1
	ulimit -l 8192
	user softhsm2-util --init-token --free --label mine --pin 4321 --so-pin 87654321 >/dev/null
	check "nobody else's PIN" exits 2 user "$tobichi" platform init --root pkcs11 \
		--device "$module" --token mine --pin-file "$work/pin"
	check "it says so" has "$said" "belongs to another user"
	check "an ordinary user's platform in a token" exits 0 user "$tobichi" platform init \
		--root pkcs11 --device "$module" --token mine --pin-file pin
	id=$(user "$tobichi" run --detach web.tobi 2>/dev/null)
	check "its enclave's evidence" user "$tobichi" attest "$id" -o user.cbor
else
	echo "skipped: no namespaces for ordinary users here, or the build folder is closed to them"
fi
exit $failed
