#!/bin/sh
# The secrets that an image declares come from a broker: to this image and launch, from this
# broker, and else its program does not start. The broker is played (tests/tools).
# Usage: broker_enclave.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
umask 077
played=$1/tests/tools/played_broker
broker=
# broker POLICY KEY SECRET...: what it says is in the file said
broker() {
	policy=$1 key=$2
	shift 2
	"$played" "$port" "$policy" "$key" "$@" >said 2>&1 &
	broker=$!
	eventually grep -q listening said || cat said
}
no_broker() {
	kill "$broker" 2>/dev/null
	wait "$broker" 2>/dev/null
}
trap 'no_broker; clean_up' EXIT
run() { timeout -s KILL 60 "$tobichi" run "$@"; }
ports=$(free_ports 2)
port=$(echo "$ports" | head -1) public=$(echo "$ports" | tail -1)
for key in broker other; do "$tobichi" keygen -o $key --type p256 >/dev/null; done
place="--broker 127.0.0.1:$port --broker-secrets shop/keys"
pinned="$place --broker-key broker.pub"
look='cd /run/secrets; echo started; stat -c "%n %a %u" *; sha256sum * | cut -c1-64'
id=$("$tobichi" run --print-config-id $pinned)
check "the config id is known before there is an image" test ${#id} = 96
"$tobichi" build --tier soft -o shop.tobi --config-id "$id" --secret db --secret token --port 8000 -- \
	/bin/busybox sh -c "$look; if nc -w 1 127.0.0.1 $port </dev/null; then echo reached; fi" >/dev/null
db=the-password-$$ token=the-token-$$
hash() { printf %s "$1" | sha256sum | cut -c1-64; }

broker shop.policy.yaml broker.key "shop/keys/db=$db" "shop/keys/token=$token"
check "its program runs" exits 0 run $pinned shop.tobi
check "with both secrets" has "$said" "$(hash "$db")
$(hash "$token")"
check "which it can read, and only its user" has "$said" "db 400 1000
token 400 1000"
check "the broker was asked for these, in attested TLS" same "$(grep asked said)" \
	"asked in tobichi-broker/1: GET /v1/secret/shop/keys/db HTTP/1.1
asked in tobichi-broker/1: GET /v1/secret/shop/keys/token HTTP/1.1"
check "the program cannot reach the broker" hasnt "$said" reached
check "nothing of them is on the host's disk" same "$(grep -rlF -e "$db" -e "$token" run state 2>/dev/null)" ""

"$tobichi" build --tier soft -o changed.tobi --secret db --secret token -- /bin/busybox sh -c "$look; true" >/dev/null
check "a changed image gets nothing" exits 2 run $pinned changed.tobi
check "and its program does not start" hasnt "$said" started
check "the broker knows why" grep -q "refused: POLICY-IMAGE" said
check "another launch gets nothing" exits 2 run $pinned --env A=1 shop.tobi
check "and its program does not start" hasnt "$said" started
check "the broker knows why" grep -q "refused: POLICY-CONFIG" said
no_broker

broker shop.policy.yaml broker.key "shop/keys/db=$db"
check "one secret of two" exits 2 run $pinned shop.tobi
check "is not enough for the start" hasnt "$said" started
check "it is named" has "$said" "shop/keys/token"
check "and what to do" has "$said" "tobichi log follow --entries"
no_broker

broker shop.policy.yaml other.key "shop/keys/db=$db" "shop/keys/token=$token"
check "another key than the pinned one" exits 2 run $pinned shop.tobi
check "it says so" has "$said" "another key than the launch config pins"
check "nothing was asked of it" same "$(grep -c asked said)" 0
check "nor was it shown what the enclave is" hasnt "$(cat said)" POLICY
no_broker

# A broker that comes later; meanwhile nobody takes its place.
id=$("$tobichi" run -d --publish "$public:8000" $pinned shop.tobi)
state() { "$tobichi" ps | grep "^$id" | grep -q "$1"; }
check "without a broker it waits" state "waiting for secrets"
check "the service's log says for whom" eventually grep -q "event=note id=$id .*127.0.0.1:$port" run/service.log
printf stolen >file
check "nobody else's secret is taken" exits 1 timeout -s KILL 60 "$tobichi" send "127.0.0.1:$public" --policy shop.policy.yaml db=file
check "it still waits" state "waiting for secrets"
broker shop.policy.yaml broker.key "shop/keys/db=$db" "shop/keys/token=$token"
check "then it starts, and ends as it should" eventually grep -q "event=ended id=$id status=0" run/service.log
no_broker

# What a launch must say.
check "a broker that nobody has to recognise" exits 2 run $place shop.tobi
check "is no broker" has "$said" "--broker-key or --broker-policy"
check "a key without a broker" exits 2 run --broker-key broker.pub shop.tobi
check "a place that is none" exits 2 run --broker "127.0.0.1:$port" --broker-key broker.pub --broker-secrets shop shop.tobi
"$tobichi" build --tier soft -o none.tobi -- /bin/busybox true >/dev/null
check "an image that declares none" exits 2 run $pinned none.tobi
check "is told so" has "$said" "declares no secrets"
exit $failed
