#!/bin/sh
# Where a broker's wrap keys are: moved from a file into a token and to Vault (both played by
# programs of the host) while a broker runs, and back; a wrap key that is lost; a full start
# from each. Usage: broker_keys.sh BUILD_FOLDER SOURCE_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
broker=$1/daemons/broker/tobichi-broker transit=$2/tests/tools/vault_transit.py
serving='' vault=''
# shellcheck disable=SC2329
stop() { # PROCESS
	[ -z "$1" ] || { kill "$1" && wait "$1"; } 2>/dev/null
}
trap 'stop "$serving"; stop "$vault"; clean_up' EXIT

port=$(free_port)
check "a broker is made" exits 0 "$tobichi" broker init broker --host "127.0.0.1:$port" --listen "127.0.0.1:$port"
config=broker/broker.yaml
serve() {
	"$broker" --config "$config" 2>>broker.log &
	serving=$!
}
health() { # the status of /readyz
	/usr/bin/python3 -c '
import ssl, sys, urllib.error, urllib.request
context = ssl.create_default_context(cafile="broker/tls.pem")
try:
    print(urllib.request.urlopen("https://127.0.0.1:%s/readyz" % sys.argv[1], context=context, timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)' "$port" 2>/dev/null
}
is_ready() { [ "$(health)" = 200 ]; }
is_unready() { [ "$(health)" = 503 ]; }
end() {
	stop "$serving"
	serving=
}
# The configuration with other keys.
with_keys() { # PLACE PIN_FILE|""
	sed "/^keys:/d; /^pin-file:/d" "$config" >new.yaml
	echo "keys: '$1'" >>new.yaml
	[ -z "$2" ] || echo "pin-file: '$2'" >>new.yaml
	mv new.yaml "$config"
}
owner() { "$tobichi" secret "$@" --broker "https://127.0.0.1:$port" --tls-ca broker/tls.pem --key alice.key; }

serve
check "it is ready" eventually is_ready
"$tobichi" keygen -o alice >/dev/null
check "it has an owner" exits 0 "$tobichi" owner add alice --owner-key alice.pub --repository red \
	--broker "https://127.0.0.1:$port" --tls-ca broker/tls.pem --key broker/operator.key
echo "what is kept" >value
chmod 600 value
check "and a secret" exits 0 owner put red/key/a value
first=$(sed -n "s/^keys: '\(.*\)'/\1/p" "$config")

# A round with another place: the broker that runs goes on and is not ready; a start with the
# old place is refused; one with the new place opens what was kept.
move() { # PLACE PIN_FILE|"" NAME
	# shellcheck disable=SC2086
	check "keys are moved to $3 while it runs" exits 0 "$broker" --config "$config" move-keys "$1" $2
	check "the one that runs says that it is not ready ($3)" eventually is_unready
	check "and goes on ($3)" has "$(owner list)" "red/key/a"
	end
	check "a start with the old place is refused ($3)" exits 2 "$broker" --config "$config"
	check "and says why ($3)" has "$said" "nothing in the database can be opened"
	with_keys "$1" "$2"
	serve
	check "with the new place it starts ($3)" eventually is_ready
	check "new secrets are sealed ($3)" exits 0 owner put "red/key/$3" value
	check "what is kept is moved under a new store key ($3)" has "$("$tobichi" broker rotate-keys \
		--broker "https://127.0.0.1:$port" --tls-ca broker/tls.pem --key broker/operator.key --json)" '"failed": 0'
}
move "file:$work/second.key" "" file
check "which is its user's alone" same "$(stat -c %a second.key)" 600

module=
for path in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
	[ ! -r "$path" ] || module=$path
done
if [ -n "$module" ]; then
	mkdir tokens
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >softhsm2.conf
	export SOFTHSM2_CONF="$work/softhsm2.conf"
	softhsm2-util --init-token --free --label broker --pin 4321 --so-pin 87654321 >/dev/null
	echo 4321 >pin
	chmod 600 pin
	move "pkcs11:$module?token=broker" "$work/pin" token
else
	echo "not checked: tokens, for there is no SoftHSM"
fi

mkdir vault
echo ok >vault/mode
echo s.right >vault.token
chmod 600 vault.token
/usr/bin/python3 "$transit" vault >vault.port &
vault=$!
eventually test -s vault.port
move "vault:http://127.0.0.1:$(cat vault.port)/broker" "$work/vault.token" vault
echo sealed >vault/mode
check "Vault that is sealed makes it not ready" eventually is_unready
check "and nothing that was started stops" has "$(owner list)" "red/key/vault"
echo ok >vault/mode
check "until it is opened" eventually is_ready

move "file:$work/third.key" "" again
end

# ---- the wrap key is lost ----
mv third.key elsewhere
check "without the wrap key nothing starts" exits 2 "$broker" --config "$config"
check "and that is said" has "$said" "nothing in the database can be opened"
check "with the place where it was" has "$said" "third.key"
check "no new one is made in its place" exits 1 test -e third.key
check "nor by init" exits 2 "$broker" --config "$config" init
check "nor is the first one of use" sh -c "
	sed \"s|^keys:.*|keys: '$first'|\" '$config' >old.yaml && ! '$broker' --config old.yaml 2>/dev/null"
mv elsewhere third.key
serve
check "when it is back, so is everything" eventually is_ready
check "all secrets" same "$(owner list | grep -c red/key/)" "$([ -n "$module" ] && echo 5 || echo 4)"
check "and no secret was in the database in plain" sh -c "! grep -q 'what is kept' broker/broker.db*"
exit $failed
